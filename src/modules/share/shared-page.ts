import { createHash } from 'node:crypto';
import { exactJson } from '../../common/exact-json.js';
import type { Part } from '../../tree/parts.js';
import type { SharedPage } from './share.service.js';
import { sharedPair, type SharedPair } from './shared-json.js';

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
section { margin: 1.5rem 0; }
.said { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; padding: .6rem .9rem; border-radius: .6rem; }
.asked { background: rgb(47 158 110 / .16); }
.told { background: rgb(127 127 127 / .14); }
.who { font-size: .8rem; opacity: .7; margin: 0; }
.gone { font-style: italic; opacity: .7; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
a { color: #2f9e6e; }
`;

/**
 * Nothing is loaded, run, framed or sent from the page: it is text and one style, which the browser
 * knows by its hash.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-popups`,
};

/**
 * The same as `sharedJson` for people, who go on by pages of `limit`: a page without scripts, in
 * which all is text.
 */
export function sharedPage(shared: SharedPage, limit: number): string {
  const { share, pairs, nextCursor } = shared;
  const name = escaped(share.name ?? 'A shared conversation');
  const said = pairs.map(sharedPair).map(sectionOf).join('\n');
  const next = nextCursor
    ? `<p><a rel="next" href="?limit=${limit}&amp;cursor=${encodeURIComponent(nextCursor)}">Go on reading</a></p>`
    : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex, nofollow">
<title>${name}</title>
<style>${STYLE}</style>
</head>
<body>
<h1 dir="auto">${name}</h1>
${said || '<p class="gone">Nothing has been said yet.</p>'}
${next}
</body>
</html>
`;
}

function sectionOf(shown: SharedPair): string {
  const { pair, question, response, questionParts, responseParts } = shown;
  const time = `<time datetime="${pair.createdAt.toISOString()}">${pair.createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`;
  if (pair.status === 'redacted')
    return `<section><p class="who">${time}</p><p class="gone">This message was erased.</p></section>`;
  const asked = sideOf('asked', pair.author ?? 'Question', question, questionParts);
  const told = sideOf('told', pair.model ?? 'Answer', response, responseParts);
  return `<section><p class="who">${time}</p>${asked}${told}</section>`;
}

function sideOf(
  kind: string,
  who: string,
  text: string | null,
  parts: readonly Part[] | null,
): string {
  const said = parts ? parts.map(partOf).join('') : text === null ? '' : saidText(text);
  if (said === '') return '';
  return `<div class="said ${kind}" dir="auto"><p class="who">${escaped(who)}</p>${said}</div>`;
}

const saidText = (text: string): string => `<div>${escaped(text)}</div>`;

function partOf(part: Part): string {
  if (part.type === 'text' || part.type === 'refusal') return saidText(part.text);
  if (part.type === 'file')
    return `<p class="gone">File: ${escaped(part.name ?? part.media_type)}</p>`;
  if (part.type === 'source') return `<p>Source: ${escaped(part.title ?? part.url ?? '')}</p>`;
  const { type, ...rest } = part;
  return `<details><summary>${escaped(type)}</summary><pre>${escaped(exactJson(rest))}</pre></details>`;
}

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
