import { HEADER } from '../../formats/banyan.js';
import type { Pair } from '../chat/pair.js';
import { pairJson } from '../chat/pair.js';
import type { ExportedTree } from './export-reader.service.js';
import type { ExportChat } from './export.sql.js';

/** What only this server knows of a pair, at the end of its JSON. */
const OWN = /,"branches":\[[^\]]*\],"branches_total":\d+,"version":\d+\}$/;

export const banyanHeader = (): string => `${JSON.stringify(HEADER)}\n`;

/**
 * Lines of one conversation. Nothing in them tells when or where they were written, so the same
 * conversation gives the same lines.
 * @param filesOf lines of the files that a pair names, before the pair
 */
export async function* banyanLines(
  { chats, pairsOf }: ExportedTree,
  filesOf: (pair: Pair) => AsyncIterable<string>,
): AsyncGenerator<string> {
  const [root] = chats;
  const { chat_id, pinned, archived } = root!;
  yield line({ type: 'conversation', chat_id, pinned, archived });
  for (const chat of chats) yield chatLine(chat);
  let pairs = 0;
  for (const chat of chats)
    for await (const pair of pairsOf(chat)) {
      yield* filesOf(pair);
      yield `{"type":"pair",${pairJson(pair).slice(1).replace(OWN, '}')}\n`;
      pairs++;
    }
  yield line({ type: 'end', chat_id, pairs });
}

const line = (value: object): string => `${JSON.stringify(value)}\n`;

function chatLine(chat: ExportChat): string {
  const { metadata, created_at, updated_at, deleted } = chat;
  const { chat_id, parent_chat_id, fork_response_id, fork_seq, chat_type, name, active } = chat;
  const place = { chat_id, parent_chat_id, fork_response_id, fork_seq, chat_type, name, active };
  const { model, system_prompt } = chat;
  const said = { type: 'chat', ...place, deleted, model, system_prompt };
  // Metadata are JSON already, to the last digit of their numbers.
  return `${JSON.stringify({ ...said, created_at, updated_at }).slice(0, -1)},"metadata":${metadata ?? 'null'}}\n`;
}
