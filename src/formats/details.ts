import { jsonIn } from '../common/exact-json.js';
import type { Part } from '../tree/parts.js';

/** `<details type="…" …>…</details>`, as Open WebUI puts reasoning and tools into a text. */
const OPENING = /<details type="(reasoning|tool_calls)"([^>]*)>/g;
const CLOSING = '</details>';
const ATTRIBUTE = /([\w-]+)="([^"]*)"/g;
const SUMMARY = /<summary>[\s\S]*?<\/summary>\s*/;
const ENTITIES: Record<string, string> = {
  '&quot;': '"',
  '&#34;': '"',
  '&#39;': "'",
  '&#x27;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
};

/** The parts of a text that has such elements; the text alone where it has none. */
export function detailsIn(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  const addText = (piece: string): void => {
    if (piece.trim() !== '') parts.push({ type: 'text', text: piece });
  };
  for (const found of text.matchAll(OPENING)) {
    if (found.index < from) continue;
    const body = found.index + found[0].length;
    const end = text.indexOf(CLOSING, body);
    if (end < 0) break;
    addText(text.slice(from, found.index).trimEnd());
    parts.push(...partsOf(found[1]!, attributesIn(found[2]!), text.slice(body, end)));
    from = end + CLOSING.length;
    while (text[from] === '\n') from++;
  }
  addText(text.slice(from));
  return parts;
}

function partsOf(type: string, attributes: Map<string, string>, body: string): Part[] {
  if (type === 'reasoning') {
    const lines = unescaped(body.replace(SUMMARY, '').trim()).replace(/^> ?/gm, '');
    return lines === '' ? [] : [{ type: 'reasoning', text: lines }];
  }
  const name = attributes.get('name') ?? 'tool';
  const call_id = attributes.get('id') ?? name;
  const input = jsonIn(attributes.get('arguments') ?? 'null');
  const result = attributes.get('result');
  return [
    { type: 'tool_call', call_id, name, input, provider_executed: true },
    ...(result === undefined
      ? []
      : [{ type: 'tool_result', call_id, output: jsonIn(result) } as const]),
  ];
}

const attributesIn = (text: string): Map<string, string> =>
  new Map([...text.matchAll(ATTRIBUTE)].map(([, name, value]) => [name!, unescaped(value!)]));

const unescaped = (text: string): string =>
  text.replace(/&(?:quot|#34|#39|#x27|lt|gt|amp);/g, (entity) => ENTITIES[entity]!);
