import type { FastifyReply } from 'fastify';
import { LAST_UUID, UUID } from './ids.js';
import { invalidField } from './problems.js';

/**
 * An opaque cursor: what list it belongs to (`scope`, for example a chat) and the last key seen.
 */
export function encodeCursor(scope: string, key: string | number): string {
  return Buffer.from(`${scope}|${key}`).toString('base64url');
}

const foreign = (field: string) =>
  invalidField(field, 'is not a cursor of this list; take one from a page of it');

/**
 * The key in a cursor. @throws 422 naming `field` when the cursor is not ours or belongs to another
 * list.
 */
export function decodeCursor(cursor: string, scope: string, field: string, key: RegExp): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const found = text.startsWith(`${scope}|`) ? text.slice(scope.length + 1) : '';
  if (!key.test(found) || encodeCursor(scope, found) !== cursor) throw foreign(field);
  return found;
}

/**
 * The number in a cursor: from 0 to `max`, beyond which PostgreSQL has none. @throws like
 * `decodeCursor`
 */
export function decodeNumberCursor(
  cursor: string,
  scope: string,
  field: string,
  max: number,
): number {
  const number = Number(decodeCursor(cursor, scope, field, /^\d{1,15}$/));
  if (number > max) throw foreign(field);
  return number;
}

/** The name of a cursor in the query, and the cursor; null where there is no such neighbour. */
type Neighbour = readonly [name: 'cursor' | 'before' | 'after', cursor: string | null];

/**
 * Says in `Link` (RFC 8288) where the neighbours of a page are: the same URL with their cursor. A
 * query alone is a relative reference to the path that the client asked for (RFC 3986, 4.2), which
 * behind a proxy is another one than ours.
 */
export function linkPage(
  reply: FastifyReply,
  url: string,
  neighbours: { next?: Neighbour; prev?: Neighbour },
): void {
  const links = (['next', 'prev'] as const).flatMap((rel) => {
    const [name, cursor = null] = neighbours[rel] ?? [];
    if (!name || cursor === null) return [];
    const [, query = ''] = url.split('?', 2);
    const params = new URLSearchParams(query);
    for (const other of ['cursor', 'before', 'after', 'around']) params.delete(other);
    params.set(name, cursor);
    return [`<?${params.toString()}>; rel="${rel}"`];
  });
  if (links.length > 0) reply.header('link', links.join(', '));
}

/** What a page is asked with: `cursor` is that of the page before, none for the first one. */
export interface PageAsked {
  limit: number;
  cursor?: string;
}

/** The id behind which a page begins of a list that is newest first. @throws like `decodeCursor` */
export const idBefore = (cursor: string | undefined, scope: string): string =>
  cursor === undefined ? LAST_UUID : decodeCursor(cursor, scope, 'cursor', UUID);

/** Some rows of a list, and where the next ones begin; null where there are none. */
export interface Page<Row> {
  items: Row[];
  nextCursor: string | null;
}

/** A page of a list: of `limit` rows, where one more was asked for. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  scope: string,
  keyOf: (last: Row) => string,
): Page<Row> {
  const items = rows.slice(0, limit);
  const hasMore = rows.length > limit;
  return { items, nextCursor: hasMore ? encodeCursor(scope, keyOf(items.at(-1)!)) : null };
}
