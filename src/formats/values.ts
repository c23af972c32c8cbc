import { isObject } from '../common/is-object.js';

/** Looks into JSON of others, of which nothing is known beforehand. */

/** Digits that a number of JavaScript would not keep. `exactJson` writes them as they came. */
export class ExactNumber {
  constructor(readonly digits: string) {}

  /** What `src/common/exact-json.ts` takes for a number. */
  toJSON(): string {
    return `\0${this.digits}`;
  }
}

export const textIn = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;

export const numberIn = (value: unknown): number | null => {
  const number = value instanceof ExactNumber ? Number(value.digits) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
};

export const objectIn = (value: unknown): Record<string, unknown> =>
  isObject(value) && !(value instanceof ExactNumber) ? value : {};

export const listIn = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The objects of a list. */
export const objectsIn = (value: unknown): Record<string, unknown>[] =>
  listIn(value).filter((one) => isObject(one));

/** Members of those names that have a value. */
export const notesOf = (
  value: Record<string, unknown>,
  names: readonly string[],
): Record<string, unknown> =>
  Object.fromEntries(
    names.flatMap((name) => (value[name] == null ? [] : [[name, value[name]] as const])),
  );

const YEAR_MS = 365 * 24 * 3600 * 1000;
/** Before it nobody talked to a model; far behind now nobody did yet. */
const EARLIEST_MS = 0;
const SECONDS_MAX = 100_000_000_000;

/** A time in ISO 8601, or in seconds or milliseconds since 1970; null where it is none. */
export function timeIn(value: unknown): Date | null {
  const number = numberIn(value);
  const ms =
    number === null
      ? typeof value === 'string'
        ? Date.parse(value)
        : NaN
      : Math.round(number < SECONDS_MAX ? number * 1000 : number);
  return ms >= EARLIEST_MS && ms < Date.now() + YEAR_MS ? new Date(ms) : null;
}
