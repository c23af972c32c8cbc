import type { DataSource } from 'typeorm';
import type { Config } from '../../config/config.js';
import type { ContentStore, PairWrite } from '../../content/content-store.js';
import { askForMirror } from '../../content/mirror.js';
import {
  bucketId,
  bucketOf,
  type ChatContents,
  type StoredQaPair,
} from '../../content/mongo/chat-contents.schema.js';
import { type ChatParts, partsId } from '../../content/mongo/chat-parts.schema.js';
import { type Check, columnsOf, type Finding, partsByBytes } from '../check.js';
import type { MongoBuckets } from '../../content/mongo/mongo-buckets.js';
import { bodyOfStored } from '../../content/mongo/stored-words.js';
import { withoutDoomed } from './doomed.js';
import {
  MIRRORED_PAIRS,
  type MirroredPair,
  type PairKey,
  PAIRS_WINDOW,
  SEND_AGAIN,
} from './pairs.sql.js';

/**
 * Words in memory at a time; a bucket that is touched comes whole, so it may be one bucket more.
 */
const PART_BYTES = 8 * 1024 * 1024;

export interface MongoSide {
  dataSource: DataSource;
  config: Config;
  buckets: MongoBuckets;
  store: ContentStore;
}

/** A pair beside what MongoDB has of it. */
interface Both {
  pair: MirroredPair;
  name: string;
  bucket: ChatContents | undefined;
  element: StoredQaPair | undefined;
  /** What is kept apart of it. */
  apart: ChatParts | undefined;
}

/**
 * I3, I14 and I16 where the words are in MongoDB. PostgreSQL is read first: what MongoDB then lacks
 * was never written or was lost, unless the journal has it; what is newer in MongoDB was written in
 * between, and the next look shows it in PostgreSQL too.
 */
export function mongoWordsCheck(side: MongoSide): Check<PairKey> {
  return {
    of: 'pairs',
    invariants: ['I3', 'I5', 'I14', 'I16'],
    window: (after) =>
      side.dataSource.query<PairKey[]>(PAIRS_WINDOW, [
        after?.account_id ?? null,
        after?.chat_id ?? null,
        after?.seq ?? null,
      ]),
    async inspect(keys) {
      const pairs = await side.dataSource.query<MirroredPair[]>(
        MIRRORED_PAIRS,
        columnsOf(keys, ['account_id', 'chat_id', 'seq']),
      );
      const findings = pairs
        .filter((pair) => pair.fork_seq === null)
        .map((pair) => findingOf(pair, 'I5', 'a pair belongs to no chat'));
      const placed = pairs.filter((pair) => pair.fork_seq !== null);
      for (const part of partsByBytes(placed, PART_BYTES, ({ bytes }) => bytes)) {
        for (const both of await beside(side.buckets, part)) findings.push(...faultsOf(side, both));
      }
      return withoutDoomed(side.dataSource, side.config, findings);
    },
  };
}

async function beside(buckets: MongoBuckets, pairs: readonly MirroredPair[]): Promise<Both[]> {
  const named = pairs.map((pair) => ({
    pair,
    name: bucketId(pair.account_id, pair.chat_id, bucketOf(pair.seq, pair.fork_seq!)),
  }));
  const found = await buckets.whole([...new Set(named.map(({ name }) => name))]);
  const both = named.map(({ pair, name }) => {
    const bucket = found.get(name);
    const element = bucket?.qa_pairs.find(
      ({ seq, response_id }) => seq === pair.seq && response_id === pair.response_id,
    );
    return { pair, name, bucket, element };
  });
  const apart = await buckets.apart(
    both.flatMap(({ pair, element }) =>
      element?.parts_apart ? [partsId(pair.account_id, pair.chat_id, pair.seq)] : [],
    ),
  );
  return both.map((one) => ({
    ...one,
    apart: apart.get(partsId(one.pair.account_id, one.pair.chat_id, one.pair.seq)),
  }));
}

const keyOf = ({ account_id, chat_id, seq }: PairKey): PairKey => ({ account_id, chat_id, seq });

const findingOf = (
  pair: MirroredPair,
  invariant: Finding['invariant'],
  what: string,
  more: Partial<Finding> = {},
): Finding<PairKey> => ({
  invariant,
  what,
  ...more,
  key: keyOf(pair),
  ids: { ...keyOf(pair), response_id: pair.response_id, ...more.ids },
});

function faultsOf(side: MongoSide, both: Both): Finding<PairKey>[] {
  const { pair, element, apart } = both;
  const faults = copyFaults(side, both);
  if (element && element.version > pair.version)
    return [...faults, newerFault(side, both, element)];
  const words = element && bodyOfStored(element, apart);
  if (words && element.version === pair.version && words.sha256.equals(pair.sha256)) {
    return [
      ...faults,
      ...mirrorFaults(side, pair, element),
      ...labelFaults(side, pair, element, words.body),
    ];
  }
  return [...faults, ...lostWords(side, both)];
}

/**
 * MongoDB does not have the right words: bad where the journal does not have them either, and else
 * only if it was told that they are stored.
 */
function lostWords(side: MongoSide, { pair, element }: Both): Finding<PairKey>[] {
  if (!pair.journaled) {
    const what = element
      ? 'the words of a pair are not those that were written'
      : 'the words of a pair are missing';
    return [
      findingOf(pair, 'I3', what, {
        ids: { version: pair.version, stored_version: element?.version ?? null },
      }),
    ];
  }
  const mend = (): Promise<boolean> => sendAgain(side, pair);
  return pair.sent
    ? [findingOf(pair, 'I3', 'MongoDB lost words that the journal has', { healing: true, mend })]
    : [];
}

async function sendAgain(
  { dataSource }: MongoSide,
  { account_id, chat_id, seq, version }: MirroredPair,
): Promise<boolean> {
  const [rows] = await dataSource.query<[unknown[], number]>(SEND_AGAIN, [
    account_id,
    chat_id,
    seq,
    version,
  ]);
  return rows.length > 0;
}

/**
 * A restore of an older PostgreSQL beside a younger MongoDB looks like this. The version that
 * PostgreSQL knows is taken from the journal; where it is not, the newer words are the only ones,
 * so the pair takes them over. So it does where an answer was being written: MongoDB has all of it.
 */
function newerFault(
  side: MongoSide,
  { pair, name, apart }: Both,
  element: StoredQaPair,
): Finding<PairKey> {
  const mend =
    pair.journaled && !pair.streaming
      ? () => dropNewer(side, pair, name, element)
      : () => adoptNewer(side, pair, element, apart);
  const ids = { version: pair.version, stored_version: element.version };
  return findingOf(pair, 'I16', 'stored words are newer than their pair', { ids, mend });
}

async function dropNewer(
  side: MongoSide,
  pair: MirroredPair,
  name: string,
  element: StoredQaPair,
): Promise<boolean> {
  await side.buckets.removePair(name, element);
  return sendAgain(side, pair);
}

/** What the journal still wants for the older version is void then. */
const ADOPT = `
  WITH void AS (DELETE FROM content_journal WHERE account_id = $1 AND chat_id = $2 AND seq = $3 AND version < $5)
  UPDATE messages SET version = $5, bytes = $6, sha256 = $7, status = 'complete', error = NULL
  WHERE account_id = $1 AND chat_id = $2 AND seq = $3 AND response_id = $4 AND version < $5
  RETURNING seq`;

async function adoptNewer(
  { dataSource }: MongoSide,
  pair: MirroredPair,
  element: StoredQaPair,
  apart: ChatParts | undefined,
): Promise<boolean> {
  const { body, sha256 } = bodyOfStored(element, apart);
  const place = [pair.account_id, pair.chat_id, pair.seq, pair.response_id];
  const [rows] = await dataSource.query<[unknown[], number]>(ADOPT, [
    ...place,
    element.version,
    Buffer.byteLength(body),
    sha256,
  ]);
  return rows.length > 0;
}

/**
 * Which account, conversation and chat the bucket is said to be of: told once for each bucket that
 * the window touches.
 */
function copyFaults({ buckets }: MongoSide, { pair, name, bucket }: Both): Finding<PairKey>[] {
  if (!bucket) return [];
  const copies = {
    account_id: pair.account_id,
    root_chat_id: pair.root_chat_id,
    chat_id: pair.chat_id,
    bucket: bucketOf(pair.seq, pair.fork_seq!),
  };
  const wrong = (Object.keys(copies) as (keyof typeof copies)[]).filter(
    (field) => bucket[field] !== copies[field],
  );
  if (wrong.length === 0) return [];
  const mend = async (): Promise<boolean> => {
    await buckets.setCopies(name, copies);
    return true;
  };
  return [
    findingOf(pair, 'I14', 'a bucket is said to be of another owner, conversation or chat', {
      ids: { fields: wrong.join(' ') },
      mend,
    }),
  ];
}

/** The branches of a pair, once nothing in the journal says that they are on their way. */
function mirrorFaults(
  { dataSource }: MongoSide,
  pair: MirroredPair,
  element: StoredQaPair,
): Finding<PairKey>[] {
  const equal =
    element.branches_total === pair.branches_total &&
    (element.branches ?? []).join() === pair.branches.join();
  if (equal || pair.pending) return [];
  const mend = async (): Promise<boolean> => {
    await dataSource.transaction((tx) => askForMirror(tx, pair.account_id, [pair.response_id]));
    return true;
  };
  const ids = { branches: pair.branches_total, mirrored: element.branches_total };
  return [
    findingOf(pair, 'I14', 'the branches of a pair are not those in PostgreSQL', { ids, mend }),
  ];
}

/** Copies beside the words, for people who read MongoDB. */
function labelFaults(
  { store }: MongoSide,
  pair: MirroredPair,
  element: StoredQaPair,
  body: string,
): Finding<PairKey>[] {
  const equal =
    element.sha256 === pair.sha256.toString('hex') && element.message_type === pair.message_type;
  if (equal && element.timestamp.getTime() === pair.created_at.getTime()) return [];
  const mend = async (): Promise<boolean> => {
    await store.put(writeOf(pair, body));
    return true;
  };
  return [findingOf(pair, 'I14', 'type, time or hash beside the words is wrong', { mend })];
}

const writeOf = (pair: MirroredPair, body: string): PairWrite => ({
  accountId: pair.account_id,
  rootChatId: pair.root_chat_id,
  chatId: pair.chat_id,
  forkSeq: pair.fork_seq!,
  responseId: pair.response_id,
  seq: pair.seq,
  version: pair.version,
  body,
  sha256: pair.sha256,
  messageType: pair.message_type,
  createdAt: pair.created_at,
  branches: pair.branches,
  branchesTotal: pair.branches_total,
});
