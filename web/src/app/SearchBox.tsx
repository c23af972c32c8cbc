import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { Link } from 'wouter';
import { search } from '../api/banyan';
import type { Excerpt, Hit } from '../api/types';
import { Dialog } from './Dialog';

export function SearchBox({ onClose }: { onClose: () => void }) {
  const [words, setWords] = useState('');
  const asked = useDeferredValue(words.trim());
  const { data, error, isFetching } = useQuery({
    queryKey: ['search', asked],
    queryFn: () => search(asked),
    enabled: asked !== '',
    placeholderData: (before) => before,
  });
  const hits = asked === '' ? [] : (data?.items ?? []);
  return (
    <Dialog label="Search" onClose={onClose}>
      <input
        type="search"
        autoFocus
        value={words}
        onChange={({ target }) => setWords(target.value)}
        placeholder='Words, "a phrase", -without'
        aria-label="Search in all conversations"
      />
      {error && <p className="error">{error.message}</p>}
      <ul className="hits" aria-busy={isFetching}>
        {hits.map((hit) => (
          <HitItem key={hit.response_id} hit={hit} onOpen={onClose} />
        ))}
      </ul>
      {asked !== '' && !isFetching && !error && hits.length === 0 && (
        <p className="hint">Nothing found.</p>
      )}
    </Dialog>
  );
}

function HitItem({ hit, onOpen }: { hit: Hit; onOpen: () => void }) {
  const { question, response } = hit.highlight;
  return (
    <li>
      <Link href={`/c/${hit.chat_id}/m/${hit.response_id}`} onClick={onOpen}>
        <strong>{hit.name ?? 'Untitled'}</strong>
        {hit.visible_in.length > 1 && <small> in {hit.visible_in.length} branches</small>}
        {question && <Marked of={question} />}
        {response && <Marked of={response} />}
      </Link>
    </li>
  );
}

/** Text with the found words marked. */
function Marked({ of: { text, ranges } }: { of: Excerpt }) {
  let at = 0;
  const pieces = ranges.flatMap(([from = 0, to = 0], n) => {
    const before = text.slice(at, from);
    at = to;
    return [before, <mark key={n}>{text.slice(from, to)}</mark>];
  });
  return (
    <p dir="auto">
      {pieces}
      {text.slice(at)}
    </p>
  );
}
