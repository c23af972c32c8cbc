import { isUuid } from '../../common/ids.js';
import type { Check, Finding } from '../check.js';
import type { Outline, BucketPlace } from '../../content/mongo/mongo-buckets.js';
import type { MongoSide } from './mongo-words.js';

/**
 * A write that was under way when its chat was purged may come late, and is not waited for longer
 * than this.
 */
const AGE_MIN_MS = 3_600_000;
const WINDOW = 500;

interface Leftover {
  bucket: Outline;
  /** Null for a bucket without any pair. */
  place: BucketPlace | null;
  /** A chat misses a pair at this place, so these may be its words, and the last trace of it. */
  ofGap?: boolean;
}

/**
 * I4 where the words are in MongoDB. MongoDB is read first: a pair is in PostgreSQL before its
 * words are here, so what PostgreSQL then does not know is gone, or never was.
 */
export function mongoOrphansCheck(side: MongoSide): Check<string> {
  return {
    of: 'buckets',
    invariants: ['I4'],
    window: (after) => side.buckets.names(after, WINDOW),
    async inspect(names) {
      const outlines = await side.buckets.outlines(names);
      const places = outlines.flatMap((bucket): Leftover[] => {
        const pairs = bucket.qa_pairs ?? [];
        return pairs.length > 0
          ? pairs.map((place) => ({ bucket, place }))
          : [{ bucket, place: null }];
      });
      const left = await withoutRow(side, places.filter(isOld));
      return left.map((leftover) => findingOf(side, leftover));
    },
  };
}

const isOld = ({ bucket, place }: Leftover): boolean =>
  Date.now() - madeAt(bucket, place) > AGE_MIN_MS;

/**
 * The time of the pair, or of an empty bucket's chat (the first 48 bits of a UUID v7); what has
 * none is as old as can be.
 */
function madeAt({ chat_id: chatId }: Outline, place: BucketPlace | null): number {
  if (place) return place.timestamp instanceof Date ? place.timestamp.getTime() : 0;
  return isUuid(chatId) ? timeOf(chatId) : 0;
}

/**
 * What is known of places: a pair there (or, for an empty bucket, the chat); or that the chat
 * misses a pair there (`of_gap`).
 */
const KNOWN = `
  SELECT wanted.n, CASE WHEN wanted.seq IS NULL THEN c.chat_id IS NOT NULL ELSE m.response_id::text = wanted.response_id END AS known,
    m.seq IS NULL AND wanted.seq > c.fork_seq AND wanted.seq <= c.last_seq AS of_gap
  FROM unnest($1::int[], $2::uuid[], $3::uuid[], $4::int[], $5::text[]) AS wanted (n, account_id, chat_id, seq, response_id)
  LEFT JOIN chats c ON c.account_id = wanted.account_id AND c.chat_id = wanted.chat_id
  LEFT JOIN messages m ON m.account_id = wanted.account_id AND m.chat_id = wanted.chat_id AND m.seq = wanted.seq`;

async function withoutRow(
  { dataSource }: MongoSide,
  all: readonly Leftover[],
): Promise<Leftover[]> {
  if (all.length === 0) return [];
  const asked = all
    .map((leftover, n) => ({ ...leftover, n }))
    .filter(({ bucket }) => isUuid(bucket.account_id) && isUuid(bucket.chat_id));
  const rows = await dataSource.query<
    { n: number; known: boolean | null; of_gap: boolean | null }[]
  >(KNOWN, [
    asked.map(({ n }) => n),
    asked.map(({ bucket }) => bucket.account_id),
    asked.map(({ bucket }) => bucket.chat_id),
    asked.map(({ place }) => place?.seq ?? null),
    asked.map(({ place }) => place?.response_id ?? null),
  ]);
  const states = new Map(rows.map((row) => [row.n, row]));
  return all
    .map((leftover, n) => ({ ...leftover, ofGap: states.get(n)?.of_gap ?? false }))
    .filter((_leftover, n) => !states.get(n)?.known);
}

/**
 * Buckets that only name the wrong owner have been put right by now (I14 is looked at before), so
 * what is found here is of no living pair; and as ids are never used twice, it never will be.
 */
function findingOf({ buckets }: MongoSide, { bucket, place, ofGap }: Leftover): Finding<string> {
  const { _id: name, account_id, chat_id } = bucket;
  const ids = {
    bucket: name,
    account_id,
    chat_id,
    ...(place && { seq: place.seq, response_id: place.response_id }),
  };
  const mend = async (): Promise<boolean> => {
    await (place ? buckets.removePair(name, place) : buckets.removeEmpty(name));
    return true;
  };
  if (ofGap)
    return { invariant: 'I4', key: name, what: 'words of a pair that its chat misses', ids };
  return {
    invariant: 'I4',
    key: name,
    what: place ? 'words without a pair' : 'an empty bucket of no chat',
    ids,
    mend,
  };
}

/** The same of what is kept apart of pairs: it has no pair, or is of a version that is gone. */
export function apartOrphansCheck({ dataSource, buckets }: MongoSide): Check<string> {
  return {
    of: 'parts',
    invariants: ['I4'],
    window: async (after) => (await buckets.apartOutlines(after, WINDOW)).map(({ _id }) => _id),
    async inspect(names) {
      const found = [...(await buckets.apart(names)).values()];
      const old = found.filter(
        ({ response_id: id }) => !isUuid(id) || Date.now() - timeOf(id) > AGE_MIN_MS,
      );
      const asked = old.filter(({ account_id, response_id }) =>
        [account_id, response_id].every(isUuid),
      );
      const rows = await dataSource.query<{ response_id: string; version: number }[]>(KNOWN_PAIRS, [
        asked.map(({ account_id }) => account_id),
        asked.map(({ response_id }) => response_id),
      ]);
      const versions = new Map(rows.map(({ response_id, version }) => [response_id, version]));
      return old
        .filter(({ response_id: id, version }) => version < (versions.get(id) ?? Infinity))
        .map(({ _id, account_id, chat_id, seq, response_id }) => ({
          invariant: 'I4' as const,
          key: _id,
          what: 'parts of no pair, or of an older version of it',
          ids: { account_id, chat_id, seq, response_id },
          mend: async () => {
            await buckets.removeApart(_id);
            return true;
          },
        }));
    },
  };
}

const KNOWN_PAIRS = `
  SELECT m.response_id, m.version FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, response_id)
  JOIN messages m ON m.account_id = wanted.account_id AND m.response_id = wanted.response_id`;

/** The first 48 bits of a UUID v7. */
const timeOf = (id: string): number => parseInt(id.replace('-', '').slice(0, 12), 16);

const SAMPLE = 200;

/**
 * Whether these two databases are of one server. Half of the oldest words without a pair is no
 * damage but another database: to remove them would destroy somebody's words.
 */
export async function belongTogether(side: MongoSide): Promise<boolean> {
  const outlines = await side.buckets.outlines(await side.buckets.names(null, SAMPLE));
  const old = outlines.map((bucket) => ({ bucket, place: null })).filter(isOld);
  const unknown = await withoutRow(side, old);
  return unknown.length <= old.length / 2;
}
