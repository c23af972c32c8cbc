import { MAX, NIL, v7 } from 'uuid';

/** The nil UUID (RFC 9562, 5.9): it comes before all others. */
export const FIRST_UUID: string = NIL;

/** The max UUID (RFC 9562, 5.10): it comes behind all others. */
export const LAST_UUID: string = MAX;

/** A new UUID v7 (RFC 9562): sorts by the time of its making, and within one process strictly. */
export const newId = (): string => v7();

/** The textual form of RFC 9562, any version. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What a client may name an id by. */
export const isUuid = (value: unknown): value is string =>
  typeof value === 'string' && UUID.test(value);
