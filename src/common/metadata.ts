import { createHash } from 'node:crypto';
import { exactEntries, exactJson } from './exact-json.js';
import { Held } from './fields.js';
import { isObject } from './is-object.js';

const KEYS_MAX = 64;
const BYTES_MAX = 16 * 1024;
const DEPTH_MAX = 8;
/** Of a list that is asked for by its metadata. */
const FILTERS_MAX = 8;

/** For the API document, which says the same (docs/metadata-rules.ts). */
export const PLAIN_METADATA = { keysMax: KEYS_MAX, depthMax: DEPTH_MAX };

/**
 * What is wrong with an object of a client's own, as a sentence; null when nothing is. It comes
 * back unchanged from every store.
 */
export function plainMetadataFault(metadata: unknown): string | null {
  if (!isObject(metadata)) return 'must be an object';
  if (Object.keys(metadata).length > KEYS_MAX) return `must have at most ${KEYS_MAX} keys`;
  return (
    keyFault(metadata, 0) ??
    (isTooLong(metadata) ? `must have at most ${BYTES_MAX} bytes of JSON` : null)
  );
}

/** An object of a client's own. */
export const IsPlainMetadata = (): PropertyDecorator =>
  Held('isPlainMetadata', plainMetadataFault, PLAIN_METADATA);

/** `metadata.KEY=value` in a query, read by `Members`. */
export const IsMetadataFilter = (): PropertyDecorator => Held('isMetadataFilter', filterFault);

function filterFault(value: unknown): string | null {
  const entries = Object.entries(value as object);
  if (entries.length > FILTERS_MAX) return `must name at most ${FILTERS_MAX} keys`;
  if (Object.hasOwn(value as object, '')) return 'must name a key';
  return entries.some(([, one]) => typeof one !== 'string') ? 'must name each key once' : null;
}

/**
 * What metadata can be found by: a term for each key whose value is a text, a number as it was
 * written, `true`, `false` or `null`. With the account in it, so that an index of terms has nothing
 * of others; as a hash, so that no value is too long for an index.
 */
export const metadataTerms = (accountId: string, metadata: object): string[] =>
  exactEntries(metadata)
    .filter(([, json]) => !/^[[{]/.test(json))
    .map(([key, json]) =>
      metadataTerm(accountId, key, json.startsWith('"') ? (JSON.parse(json) as string) : json),
    );

/** The term of `metadata.KEY=value`. */
export const metadataTerm = (accountId: string, key: string, value: string): string =>
  createHash('sha256')
    .update(JSON.stringify([accountId, key, value]))
    .digest('base64')
    .slice(0, 22);

/** As it is kept; what is too long without its digits need not be looked at again. */
const isTooLong = (fields: object): boolean =>
  Buffer.byteLength(JSON.stringify(fields)) > BYTES_MAX ||
  Buffer.byteLength(exactJson(fields)) > BYTES_MAX;

/** Keys that MongoDB reads as operators or paths are refused at any depth. */
function keyFault(value: unknown, depth: number): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth >= DEPTH_MAX) return `is nested deeper than ${DEPTH_MAX} levels`;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '' || key.startsWith('$') || key.includes('.')) {
      return `must not have the key ${JSON.stringify(key)}: keys must not be empty, start with $ or have a dot`;
    }
    const fault = keyFault(inner, depth + 1);
    if (fault) return fault;
  }
  return null;
}
