import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../common/at-most.js';
import { Database } from '../../database/database.js';
import { EventDispatcher, type NewWords } from '../../events/event-dispatcher.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import { NEWS, type NewsRow } from './search-index.sql.js';
import { type PairName, type PairWords, SearchIndex } from './search-index.service.js';
import { SearchWalks } from './search-walks.service.js';

/** Changes that come within this time are looked at together. */
const GATHER_MS = 150;
/** Pairs that somebody was changing are looked at again after this. */
const AGAIN_MS = 1000;
/** More changes than that at once are left to the walks. */
const CHANGED_MAX = 50_000;
const CONVERSATIONS = 200;
/** More words than that are not kept until they are written: they are read again. */
const CHARS_MAX = 16 * 1024 * 1024;
const SEEN_MAX = 50_000;

/**
 * Makes what this instance commits be found, within a moment and never in the commit: it hears of
 * each change, with the words where that was the append of a pair, and reads from `events` which
 * pairs the others were of, so no writer knows of it. It keeps nothing that lasts: what a crash
 * takes from it is found by those who search (`SearchWalks`).
 */
@Injectable()
export class SearchFollower implements OnApplicationBootstrap {
  /** Conversations with news, as `<account>/<root>`: accounts may have chosen the same ids. */
  private readonly changed = new Set<string>();
  private late: PairName[] = [];
  /** What was appended, and how long its words are. */
  private appended: PairWords[] = [];
  private chars = 0;
  /** The number of the last event of a conversation that was looked at, by the same. */
  private readonly seen = new LRUCache<string, number>(atMost(SEEN_MAX));
  private readonly loop = new Loop(
    () => this.look(),
    new Outage((cause) =>
      new Logger('Search').warn({ message: 'new pairs are found later than usual', cause }),
    ),
    { gatherMs: GATHER_MS },
  );

  constructor(
    private readonly database: Database,
    private readonly events: EventDispatcher,
    private readonly index: SearchIndex,
    private readonly walks: SearchWalks,
  ) {}

  onApplicationBootstrap(): void {
    this.events.listen((accountId, rootChatId, pair) => this.note(accountId, rootChatId, pair));
  }

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  private note(accountId: string, rootChatId: string, pair?: NewWords): void {
    if (pair && this.chars + pair.body.length <= CHARS_MAX) this.keep(accountId, rootChatId, pair);
    else if (this.changed.size < CHANGED_MAX) this.changed.add(`${accountId}/${rootChatId}`);
    else this.walks.ask(accountId);
    this.loop.wake();
  }

  private keep(accountId: string, rootChatId: string, pair: NewWords): void {
    const { responseId, version, body } = pair;
    this.appended.push({ accountId, rootChatId, responseId, version, body });
    this.chars += body.length;
    // Its next change is among events that were not all looked at.
    const key = `${accountId}/${rootChatId}`;
    if (!this.seen.has(key)) this.seen.set(key, 0);
  }

  /** What fails stays to be looked at. Answers when to look at what was late. */
  private async look(): Promise<number> {
    const late = this.late;
    this.late = await this.index.bring(late);
    while (this.appended.length > 0 && !this.loop.isStopped) await this.putAppended();
    while (this.changed.size > 0 && !this.loop.isStopped) {
      const some = [...this.changed].slice(0, CONVERSATIONS);
      for (const key of some) this.changed.delete(key);
      try {
        await this.lookAt(some);
      } catch (error) {
        for (const key of some) this.changed.add(key);
        throw error;
      }
    }
    return this.late.length > 0 ? AGAIN_MS : Infinity;
  }

  private async putAppended(): Promise<void> {
    const pairs = this.appended;
    [this.appended, this.chars] = [[], 0];
    try {
      this.late.push(...(await this.index.put(pairs)));
    } catch (error) {
      for (const { accountId, rootChatId } of pairs) this.changed.add(`${accountId}/${rootChatId}`);
      throw error;
    }
  }

  private async lookAt(some: readonly string[]): Promise<void> {
    const places = some.map((key) => key.split('/'));
    const rows = await this.database.query<NewsRow>(NEWS, [
      places.map(([account]) => account),
      places.map(([, root]) => root),
      some.map((key) => this.seen.get(key) ?? null),
    ]);
    for (const row of rows) if (row.has_more) this.walks.ask(row.account_id);
    const pairs = rows.flatMap(({ account_id: account, response_ids: ids }) =>
      ids.map((id): PairName => [account, id]),
    );
    this.late.push(...(await this.index.bring(pairs)));
    for (const row of rows) this.seen.set(`${row.account_id}/${row.root_chat_id}`, row.event_seq);
  }
}
