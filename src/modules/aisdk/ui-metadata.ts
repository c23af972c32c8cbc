import { exactEntries, exactTwin, readExact } from '../../common/exact-json.js';
import { plainMetadataFault } from '../../common/metadata.js';
import { invalidField } from '../../common/problems.js';
import type { Pair } from '../chat/pair.js';

/** Where a pair stands in its tree, as `start` tells it of an answer. */
export interface UiMetadata {
  /** The `chat_id` of the branch that owns it. */
  branchId: string;
  parentId: string | null;
  siblingIndex: number;
  siblingCount: number;
}

/** What we say in the metadata of a message: `UiMetadata`, or of a stored pair what is below. */
const OURS: ReadonlySet<string> = new Set([
  ...['branchId', 'parentId', 'siblingIndex', 'siblingCount'],
  ...['seq', 'status', 'createdAt'],
]);

/**
 * The metadata that a page gave to its message, to be kept with the pair. Of a message that was
 * read here, and is said anew, what we said ourselves is left out.
 * @throws 422 for what cannot be kept
 */
export function ownMetadata(metadata: unknown, path: string): Record<string, unknown> | null {
  if (metadata === undefined || metadata === null) return null;
  const fault = plainMetadataFault(metadata);
  if (fault) throw invalidField(`${path}.metadata`, fault);
  if (!Object.hasOwn(metadata, 'branchId')) return metadata as Record<string, unknown>;
  const own = exactEntries(metadata).filter(([key]) => !OURS.has(key));
  const text = `{${own.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join()}}`;
  return own.length > 0 ? readExact<Record<string, unknown>>(text) : null;
}

/** Metadata of a message of a stored pair, for `exactJson`: `own`, and where the pair stands. */
export const storedMetadata = (pair: Pair, own: object | null = null): Record<string, unknown> => ({
  ...(exactTwin(own) as object | null),
  branchId: pair.chatId,
  seq: pair.seq,
  status: pair.status,
  createdAt: pair.createdAt.toISOString(),
});
