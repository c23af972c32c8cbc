import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { fileUrl } from '../api/banyan';
import type { Part } from '../api/types';
import { Icon } from '../app/Icon';
import { Code, Markdown } from './Markdown';

export const Parts = ({ parts }: { parts: readonly Part[] }) => (
  <>
    {parts.map((part, n) => (
      <PartView key={n} part={part} />
    ))}
  </>
);

type PartOf<Type extends Part['type']> = Extract<Part, { type: Type }>;

function PartView({ part }: { part: Part }) {
  const View = VIEWS[part.type] as ((props: { part: Part }) => React.ReactNode) | undefined;
  // What a newer server knows besides is shown as it came.
  return View ? <View part={part} /> : <OtherPart part={{ name: part.type, value: part }} />;
}

/** How each kind of part is shown. */
const VIEWS: { [Type in Part['type']]: (props: { part: PartOf<Type> }) => React.ReactNode } = {
  text: ({ part: { text } }) => <Markdown text={text} />,
  refusal: ({ part: { text } }) => <p className="refusal">{text}</p>,
  file: FilePart,
  source: ({ part }) => <SourcePart part={part} />,
  reasoning: ({ part: { text, summary = '' } }) => (
    <Folded title="Reasoning">
      <Markdown text={text || summary} />
    </Folded>
  ),
  instruction: ({ part: { role, text } }) => (
    <Folded title={`Instruction (${role})`}>
      <Markdown text={text} />
    </Folded>
  ),
  tool_call: ({ part: { name, input } }) => (
    <Folded title={`Calls ${name}`}>
      <Code text={shown(input)} />
    </Folded>
  ),
  tool_result: ({ part: { is_error, output } }) => (
    <Folded title={is_error ? 'The tool failed' : 'What the tool said'}>
      <Code text={shown(output)} />
    </Folded>
  ),
  data: ({ part: { name, value } }) => <OtherPart part={{ name, value }} />,
  other: ({ part: { format, value } }) => <OtherPart part={{ name: format, value }} />,
};

function OtherPart({ part: { name, value } }: { part: { name: string; value: unknown } }) {
  return (
    <Folded title={name}>
      <Code text={shown(value)} />
    </Folded>
  );
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 2);

const Folded = ({ title, children }: { title: string; children: React.ReactNode }) => (
  <details className="folded">
    <summary>{title}</summary>
    {children}
  </details>
);

const SourcePart = ({ part: { url, title } }: { part: PartOf<'source'> }) => (
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

function FilePart({ part }: { part: PartOf<'file'> }) {
  const { file_id: id, media_type: type, name } = part;
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
  const named = (
    <>
      <Icon of="attach" /> {label}
    </>
  );
  if (!address) return <p className="file">{named}</p>;
  if (isPicture) return <img className="picture" src={address} alt={name ?? 'picture'} />;
  return (
    <p className="file">
      <a href={address} download={name ?? 'file'}>
        {named}
      </a>
    </p>
  );
}
