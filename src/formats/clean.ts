import type { Part } from '../tree/parts.js';
import { ExactNumber } from './values.js';
import { SourceFile, type Tally } from './source.js';

/** What a store would refuse or change is an escape in JSON: U+0000, or half of a character. */
const SPOILED = /\\u(?:0000|d[89a-f][\da-f]{2})/;

/**
 * A value as stores keep it: U+0000 and halves of characters (an emoji that was cut) are U+FFFD.
 * The value itself where it is sound.
 */
export function cleaned<Value>(value: Value, tally: Tally): Value {
  if (typeof value === 'string') return cleanText(value, tally) as Value;
  return SPOILED.test(JSON.stringify(value)) ? (cleanValue(value, tally) as Value) : value;
}

function cleanText(text: string, tally: Tally): string {
  const clean = text.toWellFormed().replaceAll('\0', '\ufffd');
  if (clean !== text) tally.add('characters_replaced');
  return clean;
}

function cleanValue(value: unknown, tally: Tally): unknown {
  if (typeof value === 'string') return cleanText(value, tally);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof ExactNumber || value instanceof Date || Buffer.isBuffer(value)) return value;
  if (value instanceof SourceFile) {
    const name = value.name && cleanText(value.name, tally);
    return new SourceFile(value.at, name, cleanValue(value.instead, tally) as Part);
  }
  if (Array.isArray(value)) return value.map((one) => cleanValue(one, tally));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [cleanText(key, tally), cleanValue(one, tally)]),
  );
}
