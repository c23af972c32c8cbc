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

/**
 * The `Link` header (RFC 8288) of a page: the same URL with the cursor of the neighbour. A query
 * alone is a relative reference to the path that the client asked for (RFC 3986, 4.2), which behind
 * a proxy is another one than ours.
 */
export function linkHeader(
  url: string,
  cursors: { next?: [string, string] | null; prev?: [string, string] | null },
): string | null {
  const links = (['next', 'prev'] as const).flatMap((rel) => {
    const cursor = cursors[rel];
    if (!cursor) return [];
    const [, query = ''] = url.split('?', 2);
    const params = new URLSearchParams(query);
    for (const name of ['cursor', 'before', 'after', 'around']) params.delete(name);
    params.set(...cursor);
    return [`<?${params.toString()}>; rel="${rel}"`];
  });
  return links.length > 0 ? links.join(', ') : null;
}
