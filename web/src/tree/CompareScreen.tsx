import { useQuery } from '@tanstack/react-query';
import { diffWordsWithSpace } from 'diff';
import { Link, useLocation } from 'wouter';
import { compare, getChat } from '../api/banyan';
import { Failed } from '../app/Failed';
import { useKeys } from '../app/keys';
import type { Compared } from '../api/types';

interface Props {
  chatId: string;
  otherId: string;
}

type Pair = Compared['left']['qa_pairs'][number];

/** Two branches side by side from where they part, with the words marked that differ. */
export default function CompareScreen({ chatId, otherId }: Props) {
  const [, go] = useLocation();
  const { data, error } = useQuery({
    queryKey: ['compared', chatId, otherId],
    queryFn: () => compare(chatId, otherId),
  });
  useKeys({ t: () => go(`/c/${chatId}/tree`), Escape: () => go(`/c/${chatId}/tree`) });
  if (error) return <Failed error={error} />;
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
        <BranchLink chatId={chatId} />
        <BranchLink chatId={otherId} />
        {rows.map((n) => (
          <Row key={n} left={left[n]} right={right[n]} />
        ))}
      </div>
      {(data.left.next_cursor || data.right.next_cursor) && (
        <p className="hint center">There is more than stands side by side here: open a branch.</p>
      )}
    </section>
  );
}

function BranchLink({ chatId }: { chatId: string }) {
  const { data } = useQuery({ queryKey: ['chat', chatId], queryFn: () => getChat(chatId) });
  return (
    <h2 dir="auto">
      <Link href={`/c/${chatId}`}>{data?.name ?? 'Branch'}</Link>
    </h2>
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
