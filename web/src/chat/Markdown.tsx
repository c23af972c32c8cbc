import { memo, useState } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';

/** Text of a model or person. HTML in it is shown as text; addresses are http, https or mailto. */
export const Markdown = memo(({ text }: { text: string }) => (
  <div className="markdown" dir="auto">
    <ReactMarkdown remarkPlugins={[remarkGfm]} components={COMPONENTS}>
      {text}
    </ReactMarkdown>
  </div>
));

const COMPONENTS: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noreferrer noopener nofollow">
      {children}
    </a>
  ),
  // A picture from elsewhere would tell its server who reads this.
  img: ({ src, alt }) => (
    <a href={typeof src === 'string' ? src : undefined} target="_blank" rel="noreferrer noopener">
      🖼 {alt || 'picture'}
    </a>
  ),
  pre: ({ children, node }) => <Code text={textOf(node)}>{children}</Code>,
  table: ({ children }) => (
    <div className="table" tabIndex={0} role="group" aria-label="Table">
      <table>{children}</table>
    </div>
  ),
};

interface Node {
  value?: string;
  children?: unknown[];
}
const textOf = (node: unknown): string => {
  const { value, children = [] } = (node ?? {}) as Node;
  return value ?? children.map(textOf).join('');
};

export function Code({ text, children }: { text: string; children?: React.ReactNode }) {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <div className="code">
      <button type="button" className="copy" onClick={copy}>
        {isCopied ? 'Copied' : 'Copy'}
      </button>
      <pre dir="ltr" tabIndex={0} role="group" aria-label="Code">
        {children ?? <code>{text}</code>}
      </pre>
    </div>
  );
}
