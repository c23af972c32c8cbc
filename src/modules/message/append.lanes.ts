import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { failpoint } from '../../common/failpoint.js';
import { ContentStore } from '../../content/content-store.js';
import { Database } from '../../database/database.js';
import { Idempotency, type Outcome } from '../../database/idempotency.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { type Deadline, requestDeadline, under } from '../../runtime/deadline.js';
import { pairJsonAt } from '../chat/pair.js';
import { RootsService } from '../chat/roots.service.js';
import {
  appendOf,
  type AppendRow,
  type AppendStatements,
  appendStatements,
  manyInputs,
  type NewPair,
} from './append.sql.js';
import { isUniqueViolation } from '../../runtime/pg-errors.js';

interface WaitingPair {
  pair: NewPair;
  /** The conversation. */
  rootChatId: string;
  limit: Deadline | undefined;
  resolve: (appended: AppendRow | null) => void;
  reject: (error: unknown) => void;
}

interface Lane {
  waiting: WaitingPair[];
  busy: boolean;
}

/**
 * Two, so that one batch gathers while another is written: with four a batch of 16 connections
 * holds two or three pairs, and each costs a statement and a commit of its own.
 */
const LANES = 2;
const BATCH_MAX = 64;
const TURNS_MAX = 4;
/**
 * Errors of one input (bad data, a key that is taken, a row that somebody holds): the others of its
 * statement are innocent.
 */
const FAULT_OF_ONE = /^(22|23|40|55P03|57014)/;

/**
 * Appends that wait at the same time for different conversations share a statement and a commit:
 * that costs a quarter of a commit each. A conversation goes by one lane, and a lane runs one
 * statement at a time, so only statements of different instances can want the same rows; all take
 * them in the order of their conversations.
 */
@Injectable()
export class AppendLanes {
  readonly statements: AppendStatements;
  private readonly lanes: Lane[] = Array.from({ length: LANES }, () => ({
    waiting: [],
    busy: false,
  }));

  constructor(
    private readonly database: Database,
    private readonly events: EventDispatcher,
    private readonly roots: RootsService,
    private readonly idempotency: Idempotency,
    content: ContentStore,
  ) {
    this.statements = appendStatements(content.table);
  }

  /**
   * Appends the pair; what its key had, where that was used before; null when the chat refused it.
   * See `AppendService.commit`.
   */
  async append(pair: NewPair): Promise<Outcome<AppendRow> | null> {
    const { accountId, idempotent } = pair;
    const row = await this.write(pair);
    if (row) return { json: pairJsonAt(pair, row.seq), made: row };
    const kept = idempotent && (await this.idempotency.find(accountId, idempotent));
    return kept ? { json: kept, made: null } : null;
  }

  private async write(pair: NewPair): Promise<AppendRow | null> {
    try {
      return await this.run(pair);
    } catch (error) {
      // The key was taken meanwhile.
      if (pair.idempotent && isUniqueViolation(error)) return null;
      throw error;
    }
  }

  private async run(pair: NewPair): Promise<AppendRow | null> {
    // Behind its commit a model is asked: a quarter of a commit is nothing beside that.
    if (pair.generation) return (await this.execute([pair]))[0] ?? null;
    const rootChatId =
      this.roots.known(pair.accountId, pair.chatId) ??
      (await this.roots.find(pair.accountId, pair.chatId));
    return rootChatId === null ? null : await this.queue(pair, rootChatId);
  }

  private queue(pair: NewPair, rootChatId: string): Promise<AppendRow | null> {
    const lane = this.lanes[hash(rootChatId) % LANES]!;
    return new Promise((resolve, reject) => {
      lane.waiting.push({ pair, rootChatId, limit: requestDeadline(), resolve, reject });
      if (!lane.busy) {
        lane.busy = true;
        void this.empty(lane);
      }
    });
  }

  private async empty(lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      await gathered(lane);
      await this.flush(takeBatch(lane));
    }
    lane.busy = false;
  }

  private async flush(batch: readonly WaitingPair[]): Promise<void> {
    try {
      // Under the limit of the one that has waited longest.
      settle(
        batch,
        await under(batch[0]!.limit, () => this.execute(batch.map(({ pair }) => pair))),
      );
    } catch (error) {
      const code = (error as { code?: string }).code ?? '';
      if (batch.length > 1 && FAULT_OF_ONE.test(code))
        for (const one of batch) await this.flush([one]);
      else for (const { reject } of batch) reject(error);
    }
  }

  private async execute(pairs: readonly NewPair[]): Promise<AppendRow[]> {
    failpoint('append.before_commit');
    const [first] = pairs;
    const call =
      pairs.length === 1 && first
        ? appendOf(this.statements, first)
        : ([this.statements.many, manyInputs(pairs)] as const);
    const rows = await this.database.query<AppendRow>(...call);
    failpoint('append.after_commit');
    const byId = new Map(pairs.map((pair) => [pair.responseId, pair]));
    for (const row of rows) {
      const pair = byId.get(row.response_id)!;
      this.events.changed(pair.accountId, row.root_chat_id, pair);
    }
    return rows;
  }
}

/**
 * All that come in with one turn of the event loop go together; and with the next ones, as long as
 * each brings more. Who was answered together asks again together, but not in one turn: without
 * this the first one or two of 16 connections went alone, and the statement and commit of theirs
 * cost as much as those of all others.
 */
async function gathered(lane: Lane): Promise<void> {
  let seen = 0;
  for (let turn = 0; turn < TURNS_MAX && lane.waiting.length > seen; turn++) {
    seen = lane.waiting.length;
    await nextTurn();
  }
}

/**
 * The longest-waiting appends, one for each conversation and in the order of these; the others keep
 * their place.
 */
function takeBatch(lane: Lane): WaitingPair[] {
  const batch: WaitingPair[] = [];
  const roots = new Set<string>();
  const left: WaitingPair[] = [];
  for (const one of lane.waiting) {
    if (batch.length >= BATCH_MAX || roots.has(one.rootChatId)) left.push(one);
    else {
      roots.add(one.rootChatId);
      batch.push(one);
    }
  }
  lane.waiting = left;
  return batch.sort((a, b) => (a.rootChatId < b.rootChatId ? -1 : 1));
}

function settle(batch: readonly WaitingPair[], rows: readonly AppendRow[]): void {
  const appended = new Map(rows.map((row) => [row.response_id, row]));
  for (const { pair, resolve } of batch) resolve(appended.get(pair.responseId) ?? null);
}

/** Some hash of a UUID: its last 24 bits are random in every version that we make. */
const hash = (uuid: string): number => parseInt(uuid.slice(-6), 16);
