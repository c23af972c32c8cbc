import { exactJson, rememberDigits } from '../../common/exact-json.js';
import type { Words } from '../content-store.js';

type Metadata = Words['metadata'];

/**
 * Deeper than this, metadata is kept as text: MongoDB refuses documents of more than 100 levels.
 */
const DEPTH_MAX = 50;

/**
 * Keys that do not come back as they went: operators and paths of MongoDB, the marks by which the
 * driver and Mongoose know their own objects (`_bsontype`, `isMongooseBuffer`, …), and names that
 * Mongoose drops as unsafe.
 */
const UNSAFE_KEY =
  /^$|^\$|\.|^_bsontype$|^__proto__$|^constructor$|^prototype$|^to(?:BSON|JSON|Object)$|mongoose/i;

/** Whether MongoDB gives `value` back exactly as it is. */
function survivesBson(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= DEPTH_MAX) return false;
  return Object.entries(value).every(
    ([key, inner]) => !UNSAFE_KEY.test(key) && survivesBson(inner, depth + 1),
  );
}

/**
 * Metadata as it is kept in MongoDB: readable there wherever that is safe, else its JSON. What
 * PostgreSQL took, MongoDB must never refuse.
 */
export function toStoredMetadata(metadata: Metadata): Metadata | string {
  if (metadata === null) return null;
  const json = exactJson(metadata);
  return survivesBson(metadata) && json === JSON.stringify(metadata) ? metadata : json;
}

export function fromStoredMetadata(stored: Metadata | string): Metadata {
  if (typeof stored !== 'string') return stored;
  const metadata = JSON.parse(stored) as Metadata;
  rememberDigits(metadata, stored);
  return metadata;
}
