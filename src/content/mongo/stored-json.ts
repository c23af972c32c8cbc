import { exactJson, readExact } from '../../common/exact-json.js';

/**
 * Deeper than this, a value is kept as text: MongoDB refuses documents of more than 100 levels.
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
 * An object or a list as it is kept in MongoDB: readable there wherever that is safe, else its
 * JSON. What PostgreSQL took, MongoDB must never refuse.
 */
export function toStored<Value extends object>(value: Value | null): Value | string | null {
  if (value === null) return null;
  const json = exactJson(value);
  return survivesBson(value) && json === JSON.stringify(value) ? value : json;
}

export function fromStored<Value extends object>(stored: Value | string | null): Value | null {
  return typeof stored === 'string' ? readExact<Value>(stored) : stored;
}
