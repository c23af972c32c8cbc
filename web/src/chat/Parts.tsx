import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { fileUrl } from '../api/banyan';
import type { Part } from '../api/types';
import { Code, Markdown } from './Markdown';

export const Parts = ({ parts }: { parts: readonly Part[] }) => (
  <>
    {parts.map((part, n) => (
      <PartView key={n} part={part} />
    ))}
  </>
);

function PartView({ part }: { part: Part }) {
  const view = VIEWS[part.type];
  if (view) return view(part);
  return (
    <Folded title={part.name ?? part.format ?? part.type}>
      <Code text={shown(part.value)} />
    </Folded>
  );
}

/** How each kind of part is shown; any other is shown as it came. */
const VIEWS: Record<string, (part: Part) => React.ReactNode> = {
  text: ({ text = '' }) => <Markdown text={text} />,
  refusal: ({ text }) => <p className="refusal">{text}</p>,
  file: (part) => <FilePart part={part} />,
  source: (part) => <SourcePart part={part} />,
  reasoning: ({ text, summary = '' }) => (
    <Folded title="Reasoning">
      <Markdown text={text || summary} />
    </Folded>
  ),
  instruction: ({ role = 'system', text = '' }) => (
    <Folded title={`Instruction (${role})`}>
      <Markdown text={text} />
    </Folded>
  ),
  tool_call: ({ name = 'a tool', input }) => (
    <Folded title={`Calls ${name}`}>
      <Code text={shown(input)} />
    </Folded>
  ),
  tool_result: ({ is_error, output }) => (
    <Folded title={is_error ? 'The tool failed' : 'What the tool said'}>
      <Code text={shown(output)} />
    </Folded>
  ),
};

const shown = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 2);

const Folded = ({ title, children }: { title: string; children: React.ReactNode }) => (
  <details className="folded">
    <summary>{title}</summary>
    {children}
  </details>
);

const SourcePart = ({ part: { url, title } }: { part: Part }) => (
  <p className="source">
    {url && /^https?:/.test(url) ? (
      <a href={url} target="_blank" rel="noreferrer noopener nofollow">
        {title ?? url}
      </a>
    ) : (
      (title ?? url)
    )}
  </p>
);

function FilePart({ part }: { part: Part }) {
  const { file_id: id, media_type: type = '', name } = part;
  const isPicture = type.startsWith('image/');
  const { data: address } = useQuery({
    queryKey: ['file', id],
    queryFn: () => fileUrl(id!),
    enabled: id !== undefined,
    staleTime: Infinity,
    gcTime: 0,
  });
  useEffect(() => () => (address ? URL.revokeObjectURL(address) : undefined), [address]);
  const label = name ?? type;
  if (!address) return <p className="file">📎 {label}</p>;
  if (isPicture) return <img className="picture" src={address} alt={name ?? 'picture'} />;
  return (
    <p className="file">
      <a href={address} download={name ?? 'file'}>
        📎 {label}
      </a>
    </p>
  );
}
