import { createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { EntityManager } from 'typeorm';
import { Database, type Statement } from './database.js';
import { canonicalDigest } from '../common/canonical-json.js';
import { problems } from '../common/problems.js';
import { isLockTimeout } from '../runtime/pg-errors.js';

/**
 * A POST that carries an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header; a quoted key
 * is accepted).
 */
export interface IdempotentRequest {
  /** Method and route template. */
  readonly scope: string;
  /** 1 to 255 printable ASCII characters. */
  readonly key: string;
  /** SHA-256 of path parameters, query, canonical body, and the branch that a header names. */
  readonly fingerprint: Buffer;
  /**
   * Set when the stored answer was given again; the answer then says `Idempotent-Replayed: true`.
   */
  replayed: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    idempotent?: IdempotentRequest;
  }
}

const KEY = /^[\x20-\x7e]{1,255}$/;

/** The key of the request, or null when it has none. */
export const Idempotent = createParamDecorator(
  (_: unknown, context: ExecutionContext): IdempotentRequest | null => {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const header = request.headers['idempotency-key'];
    if (header === undefined) return null;
    const key = String(header).replace(/^"(.+)"$/, '$1');
    if (!KEY.test(key)) throw problems.invalidIdempotencyKey();
    request.idempotent = new KeyedRequest(
      `${request.method} ${request.routeOptions.url}`,
      key,
      request,
    );
    return request.idempotent;
  },
);

class KeyedRequest implements IdempotentRequest {
  replayed = false;
  private digest: Buffer | undefined;

  constructor(
    readonly scope: string,
    readonly key: string,
    private request: Pick<FastifyRequest, 'params' | 'query' | 'body' | 'headers'> | null,
  ) {}

  /**
   * Made when it is asked for: by then the body was found good. The request itself is not held on
   * to any longer.
   */
  get fingerprint(): Buffer {
    if (this.request) {
      const { params, query, body, headers } = this.request;
      this.digest = canonicalDigest([
        params,
        query,
        body ?? {},
        ...[headers['x-branch-id'] ?? []].flat(),
      ]);
      this.request = null;
    }
    return this.digest!;
  }
}

interface StoredAnswer {
  fingerprint: Buffer;
  answer: string;
}

/** What stands in the place of an answer whose words were erased (`content/places.ts`). */
const ERASED = '';

const FIND: Statement = {
  name: 'idempotency.find',
  text: 'SELECT fingerprint, answer FROM idempotency_keys WHERE account_id = $1 AND scope = $2 AND key = $3',
};
/** Apart from the advisory locks of the ids that clients choose. */
const KEY_LOCKS = 1;

/** SQL: what stands for a key among the advisory locks. */
const keyLock = (account: string, scope: string, key: string): string =>
  `hashtextextended(concat_ws(' ', ${account}, ${scope}, ${key}), ${KEY_LOCKS})`;

/**
 * SQL, a part of a `WITH`: locks the keys of what comes in, if they have any, in one order. A
 * statement knows the answer of a key, and so writes it, at its end alone, while a transaction does
 * so at its beginning: without a lock that both take first one key that is sent twice at once by
 * these two ways would be a deadlock. `AFTER_KEYS` is asked by whatever locks rows.
 * @param input `FROM`, where the columns are found
 */
export const keysPart = (
  input: string,
  [account, scope, key]: readonly [account: string, scope: string, key: string],
): string => `
  keys AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(ordered.lock) FROM (
      SELECT ${keyLock(account, scope, key)} AS lock ${input} WHERE ${key} IS NOT NULL ORDER BY lock OFFSET 0
    ) ordered
  ),`;
export const AFTER_KEYS = '(SELECT count(*) FROM keys) >= 0';

const CLAIM = `
  WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(${keyLock('$1::uuid', '$2::text', '$3::text')}))
  INSERT INTO idempotency_keys (account_id, scope, key, fingerprint, status, answer, created_at)
  SELECT $1::uuid, $2::text, $3::text, $4::bytea, 201, '', now() FROM held ON CONFLICT DO NOTHING RETURNING key`;
const SETTLE =
  'UPDATE idempotency_keys SET answer = $4 WHERE account_id = $1 AND scope = $2 AND key = $3';
const SETTLE_ONCE: Statement = {
  name: 'idempotency.settle_once',
  text: 'UPDATE idempotency_keys SET answer = $5 WHERE account_id = $1 AND scope = $2 AND key = $3 AND answer = $4',
};

/** A write; its result is the answer, as an object or as JSON. */
export type KeyedWrite = (tx: EntityManager) => Promise<object | string>;

/** What a write made, for those who go on with it after the commit, and its answer. */
export interface WriteResult<Made> {
  made: Made;
  answer: object | string;
}
export type MakingWork<Made> = (tx: EntityManager) => Promise<WriteResult<Made>>;

/**
 * What is answered, and what the committed run made: null where the key was used before, and
 * nothing was made now.
 */
export interface Outcome<Made> {
  json: string;
  made: Made | null;
}

const toJson = (answer: object | string): string =>
  typeof answer === 'string' ? answer : JSON.stringify(answer);

/**
 * Does a write once for each key: effect, key and answer are in one transaction, so a kill at any
 * moment leaves all or nothing.
 */
@Injectable()
export class Idempotency {
  constructor(private readonly database: Database) {}

  /**
   * Runs `work` in a transaction and answers its result as JSON; for a key that was used before,
   * the JSON that was answered then.
   */
  async once(
    accountId: string,
    request: IdempotentRequest | null,
    work: KeyedWrite,
  ): Promise<string> {
    return (
      await this.make(accountId, request, async (tx) => ({ made: null, answer: await work(tx) }))
    ).json;
  }

  /**
   * Like `once`, where something is to be done with what was made. A transaction that PostgreSQL
   * rolled back runs again, and by then the key may be used: so `work` keeps nothing but what it
   * returns (the linter's rule `banyan/no-leaks`), and what the last run returned is all that
   * anybody sees.
   */
  async make<Made>(
    accountId: string,
    request: IdempotentRequest | null,
    work: MakingWork<Made>,
  ): Promise<Outcome<Made>> {
    const outcome = await this.database.transaction((tx) =>
      request ? claimAndRun(tx, accountId, request, work) : run(tx, work),
    );
    return outcome ?? { made: null, json: await this.replay(accountId, request!) };
  }

  /**
   * For what may be done twice without harm: does it outside any transaction, and remembers what
   * was answered first.
   */
  async remember(
    accountId: string,
    request: IdempotentRequest | null,
    work: () => Promise<string>,
  ): Promise<string> {
    const kept = request && (await this.find(accountId, request));
    if (kept) return kept;
    const answer = await work();
    return request ? this.once(accountId, request, () => Promise.resolve(answer)) : answer;
  }

  /**
   * The stored answer of a key, or null when it was never used. @throws 422 when it was used with
   * another body.
   */
  async find(accountId: string, request: IdempotentRequest): Promise<string | null> {
    const [stored] = await this.database.query<StoredAnswer>(FIND, [
      accountId,
      request.scope,
      request.key,
    ]);
    if (!stored) return null;
    if (!stored.fingerprint.equals(request.fingerprint)) throw problems.idempotencyKeyReused();
    if (stored.answer === ERASED) throw problems.messageRedacted();
    request.replayed = true;
    return stored.answer;
  }

  /**
   * Puts an answer in the place of `before`, which said that it was still to come; answers what
   * stands there then.
   */
  async settle(
    accountId: string,
    { scope, key }: IdempotentRequest,
    before: string,
    answer: string,
  ): Promise<string> {
    await this.database.query(SETTLE_ONCE, [accountId, scope, key, before, answer]);
    const [stored] = await this.database.query<StoredAnswer>(FIND, [accountId, scope, key]);
    return stored?.answer ?? answer;
  }

  private async replay(accountId: string, request: IdempotentRequest): Promise<string> {
    const answer = await this.find(accountId, request);
    if (answer === null) throw problems.idempotencyKeyInUse({ headers: { 'retry-after': '1' } });
    return answer;
  }
}

async function run<Made>(tx: EntityManager, work: MakingWork<Made>): Promise<Outcome<Made>> {
  const { made, answer } = await work(tx);
  return { made, json: toJson(answer) };
}

/** Null when the key was used before. */
async function claimAndRun<Made>(
  tx: EntityManager,
  accountId: string,
  { scope, key, fingerprint }: IdempotentRequest,
  work: MakingWork<Made>,
): Promise<Outcome<Made> | null> {
  const claimed = await tx
    .query<unknown[]>(CLAIM, [accountId, scope, key, fingerprint])
    .catch((error: unknown) => {
      throw isLockTimeout(error)
        ? problems.idempotencyKeyInUse({ headers: { 'retry-after': '1' } })
        : error;
    });
  if (claimed.length === 0) return null;
  const outcome = await run(tx, work);
  await tx.query(SETTLE, [accountId, scope, key, outcome.json]);
  return outcome;
}
