import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { problems } from '../common/problems.js';

const STYLE = `
  :root { color-scheme: light dark; }
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
  h2 { margin-top: 2.5rem; font-size: 1.15rem; }
  h2:target { outline: 2px solid #2f9e6e; outline-offset: .4rem; }
  code { font-size: .95em; background: rgb(127 127 127 / .18); padding: .1em .35em; border-radius: .3em; }
  a { color: #2f9e6e; }`;

/** The page behind the `type` of every problem: `docs/errors.md`, with an anchor for each code. */
export function errorsPage(): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Errors of Banyan</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png"><style>${STYLE}</style></head>
<body>
${toHtml(source())}
</body>
</html>
`;
}

/**
 * The file lies in docs/ beside src/ and dist/; where it was not shipped, the catalogue itself is
 * better than nothing.
 */
function source(): string {
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const file = join(folder, 'docs/errors.md');
    if (existsSync(file)) return readFileSync(file, 'utf8');
  }
  const sections = Object.values(problems).map(
    ({ kind }) => `## \`${kind.code}\`\n\n${kind.status}. ${kind.title}`,
  );
  return ['# Errors', ...sections].join('\n\n');
}

/** As much Markdown as that file needs: headings, paragraphs, lists, code, bold, links. */
function toHtml(markdown: string): string {
  return markdown
    .trim()
    .split(/\n{2,}/)
    .map(blockOf)
    .join('\n');
}

function blockOf(block: string): string {
  const heading = /^(#{1,3}) (.*)$/.exec(block);
  if (heading) {
    const [, marks = '', text = ''] = heading;
    return `<h${marks.length} id="${text.replaceAll('`', '').replaceAll(' ', '-').toLowerCase()}">${inline(text)}</h${marks.length}>`;
  }
  if (!block.startsWith('- ')) return `<p>${inline(block)}</p>`;
  const items = block.split(/\n(?=- )/).map((item) => `<li>${inline(item.slice(2))}</li>`);
  return `<ul>${items.join('')}</ul>`;
}

const inline = (text: string): string =>
  text
    .replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<b>$1</b>')
    .replace(/\[([^\]]+)\]\(([^)]+)\)/g, '<a href="$2">$1</a>');
