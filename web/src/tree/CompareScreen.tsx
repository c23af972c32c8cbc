import { useQuery } from '@tanstack/react-query';
import { diffWordsWithSpace } from 'diff';
import { Link, useLocation } from 'wouter';
import { compare } from '../api/banyan';
import { useKeys } from '../app/keys';
import type { Pair } from '../api/types';

interface Props {
  chatId: string;
  otherId: string;
}

/** Two branches side by side from where they part, with the words marked that differ. */
export default function CompareScreen({ chatId, otherId }: Props) {
  const [, go] = useLocation();
  const { data, error } = useQuery({
    queryKey: ['compared', chatId, otherId],
    queryFn: () => compare(chatId, otherId),
  });
  useKeys({ t: () => go(`/c/${chatId}/tree`), Escape: () => go(`/c/${chatId}/tree`) });
  if (error) return <p className="error center">{error.message}</p>;
  if (!data) return <p className="loading">Loading …</p>;
  const [left, right] = [data.left.qa_pairs, data.right.qa_pairs];
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, n) => n);
  return (
    <section className="compare" aria-label="Two branches side by side">
      <header className="bar">
        <h1>
          {data.common
            ? `The same up to message ${data.common.seq}`
            : 'Different from the first message on'}
        </h1>
        <Link href={`/c/${chatId}/tree`} className="secondary">
          Tree
        </Link>
      </header>
      <div className="columns">
        <Link href={`/c/${chatId}`}>Open this branch</Link>
        <Link href={`/c/${otherId}`}>Open this branch</Link>
        {rows.map((n) => (
          <Row key={n} left={left[n]} right={right[n]} />
        ))}
      </div>
    </section>
  );
}

function Row({ left, right }: { left: Pair | undefined; right: Pair | undefined }) {
  return (
    <>
      <Side pair={left} other={right} kind="left" />
      <Side pair={right} other={left} kind="right" />
    </>
  );
}

interface SideProps {
  pair: Pair | undefined;
  other: Pair | undefined;
  kind: 'left' | 'right';
}

const Side = ({ pair, other, kind }: SideProps) => (
  <article className="side">
    {pair && (
      <>
        <p className="said" dir="auto">
          <Words of={pair.question} against={other?.question} kind={kind} />
        </p>
        <p className="answered" dir="auto">
          <Words of={pair.response} against={other?.response} kind={kind} />
        </p>
      </>
    )}
  </article>
);

/** Longer texts are shown as they are: a comparison of all their words would hold the page. */
const COMPARED_CHARS_MAX = 20_000;

function Words(props: { of: string | null; against: string | null | undefined; kind: string }) {
  const { of: text, against, kind } = props;
  if (!text || !against || text.length + against.length > COMPARED_CHARS_MAX) return <>{text}</>;
  const [from, to] = kind === 'left' ? [text, against] : [against, text];
  return (
    <>
      {diffWordsWithSpace(from, to).map(({ value, added, removed }, n) => {
        if (kind === 'left' ? added : removed) return null;
        return added || removed ? (
          <mark key={n} className={kind}>
            {value}
          </mark>
        ) : (
          <span key={n}>{value}</span>
        );
      })}
    </>
  );
}
