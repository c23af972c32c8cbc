import { isObject } from '../common/is-object.js';
import { UUID } from '../common/ids.js';
import { Unreadable } from './source.js';
import { listIn, numberIn, timeIn } from './values.js';

/**
 * Banyan's own format, as lines of JSON: a header, then for each conversation one line of itself,
 * its chats (each behind its parent), the files that its pairs name, its pairs in the order of
 * their chats, and one that says that it is whole. See docs/imports.md.
 */
export const HEADER = { format: 'banyan', version: 1 } as const;

type Json = Record<string, unknown>;

export interface BanyanChat {
  chat_id: string;
  parent_chat_id: string | null;
  fork_response_id: string | null;
  fork_seq: number;
  line: Json;
}

export interface BanyanPair {
  response_id: string;
  chat_id: string;
  seq: number;
  line: Json;
}

/** A whole conversation, its places checked. */
export interface BanyanConversation {
  chat_id: string;
  line: Json;
  chats: BanyanChat[];
  pairs: BanyanPair[];
}

export const isBanyanHeader = (value: unknown): boolean =>
  isObject(value) && value['format'] === HEADER.format;

export interface BanyanFile {
  file_id: string;
  name: string | null;
  data: Buffer[];
  bytesLeft: number;
}

const FILE_BYTES_MAX = 256 * 1024 * 1024;
const BYTES_MAX = 128 * 1024 * 1024;

/** Puts lines together to conversations. */
export class BanyanLines {
  private line: Json | null = null;
  private chats: BanyanChat[] = [];
  private pairs: BanyanPair[] = [];
  private readonly byId = new Map<string, BanyanChat>();
  private readonly seqs = new Map<string, number>();
  private readonly places = new Map<string, string>();
  private bytes = 0;
  private file: BanyanFile | null = null;

  /** A conversation at its end; null at every other line. @throws Unreadable */
  take(value: unknown): BanyanConversation | null {
    if (!isObject(value)) throw broken('a line is no object');
    switch (value['type']) {
      case 'conversation':
        return this.begin(value);
      case 'chat':
        return this.addChat(value);
      case 'pair':
        return this.addPair(value);
      case 'file':
        return this.beginFile(value);
      case 'data':
        return this.addData(value);
      case 'end':
        return this.end(value);
      default:
        throw broken(`a line has the type ${JSON.stringify(value['type'])}`);
    }
  }

  /** A file of the conversation that has come whole, once. */
  takeFile(): BanyanFile | null {
    const { file } = this;
    if (file === null || file.bytesLeft > 0) return null;
    this.file = null;
    return file;
  }

  /** @throws Unreadable where a conversation has not ended */
  finish(): void {
    if (this.line !== null) throw broken('its last conversation has no end: it is cut off');
  }

  private begin(line: Json): null {
    this.finish();
    this.line = line;
    [this.chats, this.pairs, this.bytes] = [[], [], 0];
    this.seqs.clear();
    this.byId.clear();
    this.places.clear();
    return null;
  }

  private addChat(line: Json): null {
    const chat: BanyanChat = {
      chat_id: idIn(line, 'chat_id'),
      parent_chat_id: line['parent_chat_id'] === null ? null : idIn(line, 'parent_chat_id'),
      fork_response_id: line['fork_response_id'] === null ? null : idIn(line, 'fork_response_id'),
      fork_seq: wholeIn(line, 'fork_seq'),
      line,
    };
    const isFirst = this.chats.length === 0;
    const isRoot = chat.parent_chat_id === null && chat.fork_seq === 0;
    const isKnown = chat.parent_chat_id !== null && this.seqs.has(chat.parent_chat_id);
    if (this.line === null || this.pairs.length > 0 || this.seqs.has(chat.chat_id))
      throw broken('a chat is not in its place');
    if (isFirst ? !isRoot : !isKnown) throw broken('a chat is not behind its parent');
    if ((chat.fork_seq === 0) !== (chat.fork_response_id === null))
      throw broken('a chat has no fork point');
    this.seqs.set(chat.chat_id, chat.fork_seq);
    this.byId.set(chat.chat_id, chat);
    this.chats.push(chat);
    return null;
  }

  private beginFile(line: Json): null {
    const bytes = wholeIn(line, 'bytes');
    if (this.line === null || this.file || bytes > FILE_BYTES_MAX)
      throw broken('a file is not in its place');
    const name = labelIn(line, 'name', 255);
    this.file = { file_id: idIn(line, 'file_id'), name, data: [], bytesLeft: bytes };
    return null;
  }

  private addData(line: Json): null {
    const { file } = this;
    const text = line['base64'];
    if (!file || typeof text !== 'string') throw broken('bytes of a file are not in their place');
    const data = Buffer.from(text, 'base64');
    file.data.push(data);
    file.bytesLeft -= data.length;
    if (file.bytesLeft < 0) throw broken('a file has more bytes than it says');
    return null;
  }

  private addPair(line: Json): null {
    const pair = {
      response_id: idIn(line, 'response_id'),
      chat_id: idIn(line, 'chat_id'),
      seq: wholeIn(line, 'seq'),
      line,
    };
    if (this.seqs.get(pair.chat_id) !== pair.seq - 1 || this.places.has(pair.response_id))
      throw broken('a pair is not in its place');
    const chat = this.byId.get(pair.chat_id)!;
    const isFirst = pair.seq === chat.fork_seq + 1;
    if (isFirst && chat.fork_response_id !== null && !this.places.has(chat.fork_response_id))
      throw broken('a pair is not behind the one that it follows');
    this.seqs.set(pair.chat_id, pair.seq);
    this.places.set(pair.response_id, `${pair.chat_id} ${pair.seq}`);
    this.pairs.push(pair);
    this.bytes += sizeOf(line['question']) + sizeOf(line['response']);
    if (this.bytes > BYTES_MAX)
      throw new Unreadable('conversation_too_large', 'A conversation has more than 128 MiB.');
    return null;
  }

  private end(line: Json): BanyanConversation {
    const { chats, pairs } = this;
    const root = chats[0];
    if (this.line === null || !root || numberIn(line['pairs']) !== pairs.length)
      throw broken('a conversation ends with other pairs than it says');
    for (const { parent_chat_id: parent, fork_response_id: fork, fork_seq: seq } of chats)
      if (
        fork === null
          ? parent !== null && parent !== root.chat_id
          : this.places.get(fork) !== `${parent} ${seq}`
      )
        throw broken('a branch hangs at no pair of its parent');
    const conversation = { chat_id: root.chat_id, line: this.line, chats, pairs };
    this.line = null;
    return conversation;
  }
}

const sizeOf = (value: unknown): number => (typeof value === 'string' ? value.length : 0);

const broken = (what: string): Unreadable =>
  new Unreadable('banyan_broken', `The export of Banyan is not as it was written: ${what}.`);

function idIn(line: Json, name: string): string {
  const id = line[name];
  if (typeof id !== 'string' || !UUID.test(id)) throw broken(`${name} is no id`);
  return id;
}

function wholeIn(line: Json, name: string): number {
  const number = numberIn(line[name]);
  if (number === null || !Number.isInteger(number) || number < 0 || number > 2_000_000_000)
    throw broken(`${name} is no number`);
  return number;
}

/** A time that must be there. */
export function momentIn(line: Json, name: string): Date {
  const at = timeIn(line[name]);
  if (at === null) throw broken(`${name} is no time`);
  return at;
}

/** A text of some length, or null. */
export function labelIn(line: Json, name: string, charsMax: number): string | null {
  const value = line[name] ?? null;
  if (value === null) return null;
  if (typeof value !== 'string' || value.length > charsMax) throw broken(`${name} is no text`);
  return value;
}

/** One of some words. */
export function wordIn<Word extends string>(
  line: Json,
  name: string,
  words: readonly Word[],
): Word {
  const word = words.find((one) => one === line[name]);
  if (word === undefined) throw broken(`${name} is none of ${words.join(', ')}`);
  return word;
}

/** An object of a client's own, or null. */
export function objectOrNull(line: Json, name: string): Json | null {
  const value = line[name] ?? null;
  if (value !== null && !isObject(value)) throw broken(`${name} is no object`);
  return value;
}

/** A list of parts, or null. */
export function partsOrNull(line: Json, name: string): Json[] | null {
  const value = line[name] ?? null;
  if (value === null) return null;
  const parts = listIn(value);
  if (
    parts.length === 0 ||
    parts.length > 500 ||
    !parts.every((one) => isObject(one) && typeof one['type'] === 'string')
  )
    throw broken(`${name} are no parts`);
  return parts as Json[];
}
