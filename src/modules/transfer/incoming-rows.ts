import { exactJson } from '../../common/exact-json.js';
import { metadataTerms } from '../../common/metadata.js';
import { bodyOf, sha256Of } from '../../content/body.js';
import type { Words } from '../../content/content-store.js';
import { callIdsOf, type Part } from '../../tree/parts.js';
import type { IncomingChat, IncomingPair } from './incoming.js';
import type { ChatRow, NewPairRow } from './write.sql.js';

/** What a branch has from the chat that it leaves. */
export const branchFields = (
  parent: Pick<ChatRow, 'chatType' | 'model' | 'systemPrompt'>,
  createdAt: Date,
): IncomingChat => ({
  name: null,
  chatType: parent.chatType,
  model: parent.model,
  systemPrompt: parent.systemPrompt,
  metadata: null,
  createdAt,
});

type ChatPlace = Pick<
  ChatRow,
  'chatId' | 'rootChatId' | 'parentChatId' | 'forkSeq' | 'forkResponseId' | 'depth' | 'jumpChatId'
>;

/** A chat that has no pairs of its own yet. */
export function chatRow(
  accountId: string,
  place: ChatPlace,
  fields: IncomingChat,
  isDeleted: boolean,
  lastAt: Date | undefined,
): ChatRow {
  const { name, model, systemPrompt, metadata, createdAt } = fields;
  return {
    ...place,
    chatType: fields.chatType ?? 'standard',
    name,
    active: false,
    lastSeq: place.forkSeq,
    lastResponseId: place.forkResponseId,
    model,
    systemPrompt,
    metadata: metadata && exactJson(metadata),
    metadataTerms: metadata && JSON.stringify(metadataTerms(accountId, metadata)),
    createdAt,
    updatedAt: fields.updatedAt ?? (lastAt && lastAt > createdAt ? lastAt : createdAt),
    deletedAt: isDeleted ? new Date() : null,
  };
}

export function pairRow(
  pair: IncomingPair,
  place: Pick<NewPairRow, 'responseId' | 'chatId' | 'seq'>,
): NewPairRow {
  const { key: _key, parentKey: _parentKey, words, ...facts } = pair;
  const body = bodyOf(words);
  const callIds = callIdsOf(words.response_parts);
  return { ...facts, ...place, body, sha256: sha256Of(body), callIds };
}

/** Files that a pair names, also in the results of its tools. */
export function filesIn({ question_parts, response_parts }: Words): string[] {
  const ids = new Set<string>();
  for (const part of [...(question_parts ?? []), ...(response_parts ?? [])]) {
    const inner = part.type === 'tool_result' && Array.isArray(part.output) ? part.output : [];
    for (const one of [part, ...(inner as Part[])])
      if (one?.type === 'file' && one.file_id !== undefined) ids.add(one.file_id);
  }
  return [...ids];
}
