import { exactJson } from '../../common/exact-json.js';
import { wordsOf } from '../../content/body.js';
import type { Part } from '../../tree/parts.js';
import type { Pair } from '../chat/pair.js';
import type { ExportedTree } from './export-reader.service.js';
import type { ExportChat } from './export.sql.js';

/** Messages as OpenAI's chat completions have them: a line for each path, for fine-tuning. */
export async function* openAiLines({ chats, pathOf }: ExportedTree): AsyncGenerator<string> {
  for (const chat of paths(chats)) {
    yield '{"messages":[';
    const system = chat.system_prompt;
    if (system !== null) yield JSON.stringify({ role: 'system', content: system });
    let isFirst = system === null;
    for await (const pair of pathOf(chat))
      for (const message of messagesOf(pair)) {
        yield `${isFirst ? '' : ','}${exactJson(message)}`;
        isFirst = false;
      }
    yield ']}\n';
  }
}

/** Chats in which something is said that no other one says before it: living ones with pairs. */
const paths = (chats: readonly ExportChat[]): ExportChat[] =>
  chats.filter(
    ({ deleted, last_seq: last, fork_seq: fork, parent_chat_id: parent }) =>
      !deleted && last > 0 && (parent === null || last > fork),
  );

function messagesOf({ body }: Pair): object[] {
  const words = wordsOf(body);
  return [
    ...askedIn(words.question_parts ?? [], words.question),
    ...saidIn(words.response_parts ?? [], words.response),
  ];
}

function askedIn(parts: readonly Part[], question: string | null): object[] {
  const told = parts.flatMap((part) => {
    if (part.type === 'instruction') return [{ role: part.role, content: part.text }];
    return part.type === 'tool_result' ? [toolMessage(part)] : [];
  });
  const texts = [...(question === null ? [] : [question]), ...parts.flatMap(fileTold)];
  return texts.length > 0 ? [...told, { role: 'user', content: texts.join('\n') }] : told;
}

function saidIn(parts: readonly Part[], response: string | null): object[] {
  const calls = parts.flatMap((part) => (part.type === 'tool_call' ? [callOf(part)] : []));
  const results = parts.flatMap((part) => (part.type === 'tool_result' ? [toolMessage(part)] : []));
  const refusals = parts.flatMap((part) => (part.type === 'refusal' ? [part.text] : []));
  const refusal = refusals.length > 0 && { refusal: refusals.join('\n') };
  return [
    ...(calls.length > 0
      ? [{ role: 'assistant', content: null, tool_calls: calls }, ...results]
      : []),
    ...(response !== null || refusal ? [{ role: 'assistant', content: response, ...refusal }] : []),
  ];
}

/** Models that are trained with such lines are shown no files. */
const fileTold = (part: Part): string[] =>
  part.type === 'file'
    ? [`[File ${part.name ?? part.url ?? 'without a name'}, ${part.media_type}]`]
    : [];

const callOf = ({ call_id, name, input }: Extract<Part, { type: 'tool_call' }>): object => ({
  id: call_id,
  type: 'function',
  function: { name, arguments: typeof input === 'string' ? input : exactJson(input) },
});

const toolMessage = ({ call_id, output }: Extract<Part, { type: 'tool_result' }>): object => ({
  role: 'tool',
  tool_call_id: call_id,
  content: typeof output === 'string' ? output : exactJson(output),
});

/** Branches as documents to be read, each with front matter. */
export async function* markdownPieces({ chats, pathOf }: ExportedTree): AsyncGenerator<string> {
  let isFirst = true;
  for (const chat of chats.filter(({ deleted }) => !deleted)) {
    yield `${isFirst ? '' : '\n'}${frontMatter(chat)}`;
    isFirst = false;
    for await (const pair of pathOf(chat)) yield markdownOf(pair);
  }
}

/** What the front matter of a branch says. */
type TitledChat = Pick<
  ExportChat,
  | 'chat_id'
  | 'parent_chat_id'
  | 'fork_response_id'
  | 'name'
  | 'model'
  | 'last_seq'
  | 'created_at'
  | 'updated_at'
>;

/** JSON is YAML: so any name is a text there. */
export function frontMatter(chat: TitledChat): string {
  const { chat_id, parent_chat_id, fork_response_id, name, model, last_seq } = chat;
  const lines = Object.entries({
    ...{ chat_id, name, parent_chat_id, fork_response_id, model, messages: last_seq },
    ...{ created_at: chat.created_at, updated_at: chat.updated_at },
  }).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  return `---\n${lines.join('')}---\n\n# ${(chat.name ?? 'Untitled').replace(/\s+/g, ' ')}\n`;
}

/** A pair as people read it. */
export function markdownOf(pair: Pair): string {
  const words = wordsOf(pair.body);
  const at = pair.createdAt.toISOString();
  const asked = sideOf(words.question_parts, words.question);
  const said = sideOf(words.response_parts, words.response);
  const erased = pair.status === 'redacted' ? '\n*Erased.*\n' : '';
  return (
    (asked === '' ? '' : `\n## ${pair.author ?? 'You'} <small>${at}</small>\n${asked}`) +
    (said === '' ? '' : `\n## ${pair.model ?? 'Assistant'}\n${said}`) +
    erased
  );
}

const sideOf = (parts: readonly Part[] | null | undefined, text: string | null): string =>
  parts ? parts.map(partOf).join('') : text === null ? '' : `\n${text}\n`;

function partOf(part: Part): string {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return `\n${part.text}\n`;
    case 'instruction':
      return `\n> ${part.text.replaceAll('\n', '\n> ')}\n`;
    case 'reasoning':
      return `\n<details><summary>Reasoning</summary>\n\n${part.text}\n\n</details>\n`;
    case 'file':
      return `\n${link(part.name, part.url ?? `/api/v1/files/${part.file_id}/content`)}\n`;
    case 'source':
      return `\n- ${link(part.title, part.url)}\n`;
    default:
      return toolOf(part);
  }
}

const link = (name?: string, url = ''): string => `[${name ?? url}](${url})`;

function toolOf(part: Part): string {
  switch (part.type) {
    case 'tool_call':
      return fenced(`${part.name} ${exactJson(part.input)}`);
    case 'tool_result':
      return fenced(typeof part.output === 'string' ? part.output : exactJson(part.output));
    default:
      return fenced(exactJson(part));
  }
}

/** A fence that is longer than any in the text (CommonMark, 4.5). */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `\n${fence}\n${text}\n${fence}\n`;
}
