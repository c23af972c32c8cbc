import { createHash, type Hash } from 'node:crypto';
import { exactTwin, FREE_JSON } from './exact-json.js';

/**
 * Text is handed on in parts of about so many characters: long ropes of strings are what is dear in
 * making one text of it all.
 */
const PART_CHARS = 8192;
/** Of objects with no more members it is remembered in which order their keys go. */
const KNOWN_KEYS_MAX = 16;
/** What JSON writes otherwise than it is. */
const ESCAPED = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/**
 * SHA-256 of a value as JSON with sorted keys: two bodies that mean the same have one digest, those
 * that differ in the last digit of a number two. It costs about as much as parsing that JSON.
 */
export function canonicalDigest(value: unknown): Buffer {
  const writer = new CanonicalWriter();
  writer.write(value);
  return writer.digest();
}

class CanonicalWriter {
  private readonly hash: Hash = createHash('sha256');
  private text = '';
  /**
   * By their first key: lists of chats hold objects of one kind, and sorting their keys each time
   * is dear.
   */
  private readonly orders = new Map<string, { keys: string[]; sorted: string[] }>();

  write(value: unknown): void {
    if (typeof value === 'string') this.text += quoted(value);
    else if (typeof value !== 'object') this.text += value === undefined ? 'null' : String(value);
    else if (value === null) this.text += 'null';
    else if (Array.isArray(value)) this.writeList(value);
    else this.writeMembers(value as Record<string, unknown>);
    if (this.text.length > PART_CHARS) this.handOn();
  }

  digest(): Buffer {
    this.handOn();
    return this.hash.digest();
  }

  private writeList(items: readonly unknown[]): void {
    if (items.length > 0 && items.every(isWord)) return void (this.text += JSON.stringify(items));
    let before = '[';
    for (const item of items) {
      this.text += before;
      before = ',';
      this.write(item);
    }
    this.text += before === '[' ? '[]' : ']';
  }

  private writeMembers(members: Record<string, unknown>): void {
    let before = '{';
    for (const key of this.sorted(Object.keys(members))) {
      this.text += `${before}${quoted(key)}:`;
      before = ',';
      this.write(FREE_JSON.has(key) ? exactTwin(members[key]) : members[key]);
    }
    this.text += before === '{' ? '{}' : '}';
  }

  private sorted(keys: string[]): readonly string[] {
    if (keys.length < 2) return keys;
    if (keys.length > KNOWN_KEYS_MAX) return keys.sort();
    const known = this.orders.get(keys[0]!);
    if (known?.keys.length === keys.length && known.keys.every((key, n) => key === keys[n]))
      return known.sorted;
    const sorted = keys.toSorted();
    this.orders.set(keys[0]!, { keys, sorted });
    return sorted;
  }

  private handOn(): void {
    this.hash.update(this.text);
    this.text = '';
  }
}

/**
 * What `JSON.stringify` writes in any list as it is to be; it is faster than this. Numbers are not:
 * infinite ones have a name here.
 */
const isWord = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || value === null;

const quoted = (text: string): string => (ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`);
