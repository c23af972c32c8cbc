import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { failpoint } from '../../common/failpoint.js';
import { ContentStore } from '../../content/content-store.js';
import { Database } from '../../database/database.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { type Appended, type AppendStatements, appendStatements, manyInputs, type NewPair, oneInput } from './append.sql.js';

interface Waiting {
  pair: NewPair;
  /** The conversation, or the chat itself while its root is not known yet. */
  group: string;
  resolve: (appended: Appended | null) => void;
  reject: (error: unknown) => void;
}

interface Lane {
  waiting: Waiting[];
  busy: boolean;
}

const LANES = 4;
const BATCH_MAX = 64;
const ROOTS_MAX = 50_000;
/** Errors of one input (bad data, a key that is taken, a row that somebody holds): the others of its statement are innocent. */
const FAULT_OF_ONE = /^(22|23|40|55P03|57014)/;
const DEADLOCK_DETECTED = '40P01';

/**
 * Appends that wait at the same time for different conversations share a statement and a commit: that costs a quarter of a commit each. A
 * conversation goes by one lane as soon as its root is known, and a lane runs one statement at a time, so statements rarely want the same rows.
 * Where they do all the same (another instance, a root that is not known yet) PostgreSQL refuses one of them, and its appends run again singly.
 */
@Injectable()
export class AppendLanes {
  private readonly statements: AppendStatements;
  private readonly lanes: Lane[] = Array.from({ length: LANES }, () => ({ waiting: [], busy: false }));
  private readonly roots = new LRUCache<string, string>({ max: ROOTS_MAX });

  constructor(
    private readonly database: Database,
    private readonly events: EventDispatcher,
    content: ContentStore,
  ) {
    this.statements = appendStatements(content.table);
  }

  /** Appends the pair; null when the chat refused it (gone, another head, not active, key used). */
  append(pair: NewPair): Promise<Appended | null> {
    const group = this.roots.get(pair.chatId) ?? pair.chatId;
    const lane = this.lanes[hash(group) % LANES]!;
    return new Promise((resolve, reject) => {
      lane.waiting.push({ pair, group, resolve, reject });
      if (!lane.busy) {
        lane.busy = true;
        // At the end of this turn of the event loop, so that all requests that came in with it go together.
        setImmediate(() => void this.run(lane));
      }
    });
  }

  private async run(lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) await this.flush(takeBatch(lane));
    lane.busy = false;
  }

  private async flush(batch: readonly Waiting[], isSecondTry = false): Promise<void> {
    try {
      settle(batch, await this.execute(batch.map(({ pair }) => pair)));
    } catch (error) {
      const code = (error as { code?: string }).code ?? '';
      if (batch.length > 1 && FAULT_OF_ONE.test(code)) for (const one of batch) await this.flush([one]);
      else if (code === DEADLOCK_DETECTED && !isSecondTry) await this.flush(batch, true);
      else for (const { reject } of batch) reject(error);
    }
  }

  private async execute(pairs: readonly NewPair[]): Promise<Appended[]> {
    failpoint('append.before_commit');
    const [first] = pairs;
    const rows =
      pairs.length === 1 && first
        ? await this.database.query<Appended & Record<string, unknown>>(this.statements.one, oneInput(first))
        : await this.database.query<Appended & Record<string, unknown>>(this.statements.many, manyInputs(pairs));
    failpoint('append.after_commit');
    const chats = new Map(pairs.map((pair) => [pair.responseId, pair.chatId]));
    for (const row of rows) {
      this.roots.set(chats.get(row.response_id)!, row.root_chat_id);
      this.events.changed(row.root_chat_id);
    }
    return rows;
  }
}

/** The longest-waiting appends, one for each conversation; the others keep their place. */
function takeBatch(lane: Lane): Waiting[] {
  const batch: Waiting[] = [];
  const groups = new Set<string>();
  const left: Waiting[] = [];
  for (const one of lane.waiting) {
    if (batch.length >= BATCH_MAX || groups.has(one.group)) left.push(one);
    else {
      groups.add(one.group);
      batch.push(one);
    }
  }
  lane.waiting = left;
  return batch;
}

function settle(batch: readonly Waiting[], rows: readonly Appended[]): void {
  const appended = new Map(rows.map((row) => [row.response_id, row]));
  for (const { pair, resolve } of batch) resolve(appended.get(pair.responseId) ?? null);
}

/** Some hash of a UUID: its last 24 bits are random in every version that we make. */
const hash = (uuid: string): number => parseInt(uuid.slice(-6), 16);
