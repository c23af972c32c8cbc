import { createHash } from 'node:crypto';
import { isObject } from '../../common/is-object.js';
import { NAME_CHARS_MAX } from '../../common/name.js';
import { plainMetadataFault } from '../../common/metadata.js';
import { REDACTED_BODY } from '../../content/places.js';
import type { Words } from '../../content/content-store.js';
import {
  type BanyanChat,
  type BanyanConversation,
  type BanyanPair,
  labelIn,
  momentIn,
  objectOrNull,
  partsOrNull,
  wordIn,
} from '../../formats/banyan.js';
import { cleaned } from '../../formats/clean.js';
import { Tally, Unreadable } from '../../formats/source.js';
import { partsFault, type SideName } from '../../tree/part-rules.js';
import type { FilePart, Part } from '../../tree/parts.js';
import { CHAT_TYPES } from '../chat/chat.entity.js';
import { TEXT_BYTES_MAX } from '../message/said.dto.js';
import { MESSAGE_STATUSES, MESSAGE_TYPES } from '../chat/message.entity.js';
import {
  type GivenLine,
  type IncomingConversation,
  type IncomingChat,
  type IncomingPair,
  keyOf,
} from './incoming.js';

/** By the ids that they had there. */
export type KeptFiles = ReadonlyMap<string, FilePart>;

const TEXT_CHARS_MAX = 256 * 1024;
const SYSTEM_PROMPT_CHARS_MAX = 32 * 1024;

/** A conversation of another Banyan, chat by chat as it was there. */
export function incomingBanyan(
  conversation: BanyanConversation,
  sha256: Buffer,
  files: KeptFiles,
): IncomingConversation {
  const { chats, pairs, chat_id: id, line } = conversation;
  const before = new Map<string, string | null>();
  for (const chat of chats) before.set(chat.chat_id, chat.fork_response_id);
  const keys = new Map<string, string[]>(chats.map((chat) => [chat.chat_id, []]));
  const incoming: IncomingPair[] = [];
  for (const pair of pairs) {
    keys.get(pair.chat_id)!.push(pair.response_id);
    incoming.push(pairOf(pair, before.get(pair.chat_id)!, files));
    before.set(pair.chat_id, pair.response_id);
  }
  const places = new Map(chats.map(({ chat_id }, n) => [chat_id, n]));
  const lines = chats.map((chat) => lineOf(chat, keys.get(chat.chat_id)!, places));
  const active = lines.findIndex(({ isActive }) => isActive);
  const head = active < 0 ? null : (keys.get(chats[active]!.chat_id)!.at(-1) ?? null);
  const root = lines[0]!.fields;
  return {
    source: 'banyan',
    sourceKey: keyOf(id),
    digest: sha256,
    archived: line['archived'] === true,
    pinned: line['pinned'] === true,
    updatedAt: root.updatedAt ?? null,
    root,
    pairs: incoming,
    head,
    lines,
    messageCount: pairs.length,
  };
}

function lineOf(chat: BanyanChat, keys: string[], places: Map<string, number>): GivenLine {
  const { parent_chat_id: parent, fork_seq: forkSeq, fork_response_id: forkKey, line } = chat;
  return {
    kind: parent === null ? 'root' : 'branch',
    chat: parent === null ? null : places.get(parent)!,
    forkSeq,
    forkKey,
    keys,
    fields: fieldsOf(line),
    isActive: line['active'] === true,
    isDeleted: parent !== null && line['deleted'] === true,
  };
}

function fieldsOf(line: BanyanChat['line']): IncomingChat {
  const metadata = objectOrNull(line, 'metadata');
  const fault = metadata && plainMetadataFault(metadata);
  if (fault) throw new Unreadable('banyan_broken', `The metadata of a chat ${fault}.`);
  return {
    name: labelIn(line, 'name', 2 * NAME_CHARS_MAX),
    chatType: wordIn(line, 'chat_type', CHAT_TYPES),
    model: labelIn(line, 'model', 2 * NAME_CHARS_MAX),
    systemPrompt: labelIn(line, 'system_prompt', SYSTEM_PROMPT_CHARS_MAX),
    metadata,
    createdAt: momentIn(line, 'created_at'),
    updatedAt: momentIn(line, 'updated_at'),
  };
}

function pairOf(
  { response_id: key, line }: BanyanPair,
  parentKey: string | null,
  files: KeptFiles,
): IncomingPair {
  const status = wordIn(line, 'status', MESSAGE_STATUSES);
  return {
    key,
    parentKey,
    messageType: wordIn(line, 'message_type', MESSAGE_TYPES),
    // Nobody here goes on with an answer that was being written there.
    status: status === 'streaming' || status === 'pending' ? 'interrupted' : status,
    author: labelIn(line, 'author', 400),
    model: labelIn(line, 'model', 400),
    usage: objectOrNull(line, 'usage'),
    error: objectOrNull(line, 'error'),
    createdAt: momentIn(line, 'timestamp'),
    words: status === 'redacted' ? (JSON.parse(REDACTED_BODY) as Words) : wordsOf(line, files),
  };
}

function wordsOf(line: BanyanPair['line'], files: KeptFiles): Words {
  const parts = {
    question_parts: sideOf(line, 'question', files),
    response_parts: sideOf(line, 'response', files),
    settings: objectOrNull(line, 'settings'),
  };
  const isRich = Object.values(parts).some((one) => one !== null);
  const words = {
    question: labelIn(line, 'question', TEXT_CHARS_MAX),
    response: labelIn(line, 'response', TEXT_CHARS_MAX),
    metadata: objectOrNull(line, 'metadata'),
    ...(isRich && parts),
  } as Words;
  return cleaned(words, new Tally());
}

/** The parts of a side, held to the rules that posts are held to. @throws Unreadable */
function sideOf(line: BanyanPair['line'], side: SideName, files: KeptFiles): Part[] | null {
  const parts = partsOrNull(line, `${side}_parts`)?.map((part) => withFile(part, files)) ?? null;
  const fault = parts && partsFault(side, parts, TEXT_BYTES_MAX[side]);
  if (fault)
    throw new Unreadable(
      'banyan_broken',
      `The export of Banyan is not as it was written: ${side}_parts${fault.path} ${fault.message}.`,
    );
  return parts as Part[] | null;
}

/**
 * Files have other ids here, and are what their bytes are; those that did not come are named by
 * nothing. An export holds no bytes in an address.
 */
function withFile(part: Record<string, unknown>, files: KeptFiles): Record<string, unknown> {
  const { type, output, file_id: id, url } = part;
  if (type === 'tool_result' && Array.isArray(output))
    return {
      ...part,
      output: output.map((one: unknown) => (isObject(one) ? withFile(one, files) : one)),
    };
  if (type !== 'file') return part;
  if (typeof url === 'string' && !url.startsWith('data:')) return part;
  const kept = typeof id === 'string' ? files.get(id) : undefined;
  if (!kept) return { type: 'other', format: 'banyan.file', value: part };
  const facts = Object.entries(kept).filter(([name]) => name !== 'name' && name in part);
  return { ...part, ...Object.fromEntries(facts) };
}

/** Of all lines of a conversation. */
export class LinesDigest {
  private hash = createHash('sha256');

  add(value: unknown): void {
    this.hash.update(JSON.stringify(value));
  }

  take(): Buffer {
    const digest = this.hash.digest();
    this.hash = createHash('sha256');
    return digest;
  }
}
