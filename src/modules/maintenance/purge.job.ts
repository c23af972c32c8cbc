import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Config } from '../../config/config.js';
import { ContentStore } from '../../content/content-store.js';
import { Database } from '../../database/database.js';
import { type Doom, purgePlan } from '../../tree/purge.js';
import { inBatches, type Job } from './job.js';
import { Conversation } from '../chat/conversation.entity.js';
import { expiryOf } from '../chat/expiry.sql.js';
import { ImportSource } from '../transfer/import.entity.js';
import { WebhookOutbox } from '../webhook/webhook-outbox.service.js';
import {
  CUT_EVENTS,
  CUT_PAIRS,
  DROP_JOURNAL,
  FIRST_TOMB,
  NEXT_TOMBS,
  READ_TREE,
  REMOVE_CHAT,
  REMOVE_WEBHOOK_ROWS,
  type Tomb,
  type Tree,
  type PurgeRow,
} from './purge.sql.js';

const TOMBS = 200;
const PAIRS = 2000;
const EVENTS = 5000;
/**
 * By then every instance has read the last event of a conversation, also when nothing woke it: it
 * looks once a second.
 */
const TOLD_MS = 10_000;

interface Purge extends Tree {
  dooms: (Doom & { forkSeq: number; lastSeq: number })[];
  /** Nothing of the conversation stays. */
  whole: boolean;
  /** How long ago its last chat was deleted. */
  deadMs: number;
}

/**
 * Removes for good what was deleted long ago, and what nobody inherits from it (`tree/purge.ts`).
 * Words go first and twice, with a wait between, then the rows: killed at any moment, the rows that
 * are left say what is still to be done, and no words are left without a row.
 */
@Injectable()
export class PurgeJob implements Job {
  readonly name = 'purge';
  readonly everySeconds = 3600;
  private readonly logger = new Logger('Maintenance');

  constructor(
    private readonly database: Database,
    private readonly content: ContentStore,
    private readonly config: Config,
    private readonly webhooks: WebhookOutbox,
  ) {}

  async run(signal: AbortSignal): Promise<number> {
    let removed = 0;
    for (
      let tombs = await this.tombs();
      tombs.length > 0 && !signal.aborted;
      tombs = await this.tombs(tombs.at(-1))
    ) {
      const trees = new Map(
        tombs.map(({ account_id, root_chat_id }) => [
          `${account_id}:${root_chat_id}`,
          { account_id, root_chat_id },
        ]),
      );
      removed += await this.purge([...trees.values()], signal);
    }
    return removed;
  }

  private tombs({ deleted_at, account_id, chat_id } = FIRST_TOMB): Promise<
    (Tomb & Record<string, unknown>)[]
  > {
    return this.database.query(NEXT_TOMBS, [
      ...expiryOf(this.config),
      deleted_at,
      account_id,
      chat_id,
      TOMBS,
    ]);
  }

  /**
   * Purges some conversations together, so that the wait is one for all of them. Answers how many
   * chats and pairs went.
   */
  async purge(trees: readonly Tree[], signal: AbortSignal): Promise<number> {
    const purges: Purge[] = [];
    for (const tree of trees) {
      const purge = await this.plan(tree);
      if (purge.dooms.length > 0 && (await this.removeWords(purge))) purges.push(purge);
    }
    if (purges.length === 0) return 0;
    await sleep(this.waitMs(purges), undefined, { signal }).catch(() => {});
    let removed = 0;
    for (const purge of purges) {
      if (signal.aborted) return removed;
      if (await this.removeWords(purge)) removed += await this.removeRows(purge, signal);
    }
    return removed;
  }

  private waitMs(purges: readonly Purge[]): number {
    const untold = purges.filter(({ whole }) => whole).map(({ deadMs }) => TOLD_MS - deadMs);
    return Math.max(this.content.lateMs, ...untold);
  }

  private async plan(tree: Tree): Promise<Purge> {
    const rows = await this.database.query<PurgeRow>(READ_TREE, [
      tree.account_id,
      tree.root_chat_id,
      ...expiryOf(this.config),
    ]);
    const chats = new Map(rows.map((row) => [row.chatId, row]));
    // The end of an answer would bring words back. With its chat it was stopped, so it comes within
    // seconds; the next run finds it ended.
    const isBusy = rows.some((row) => row.expired && row.isBusy);
    const dooms = (isBusy ? [] : purgePlan(rows)).map((doom) => ({
      ...doom,
      forkSeq: chats.get(doom.chatId)!.forkSeq,
      lastSeq: chats.get(doom.chatId)!.lastSeq,
    }));
    const deadMs = Math.min(...rows.map((row) => row.deadMs ?? Infinity));
    return {
      ...tree,
      dooms,
      deadMs,
      whole: dooms.filter((doom) => doom.whole).length === rows.length,
    };
  }

  /** False when the store is away: then nothing else may go, and the next run tries again. */
  private async removeWords({
    account_id: accountId,
    root_chat_id: rootChatId,
    dooms,
  }: Purge): Promise<boolean> {
    try {
      for (const { chatId, forkSeq, lastSeq, keepTo } of dooms) {
        await this.database.query(DROP_JOURNAL, [accountId, chatId, keepTo]);
        // From the end, a part at a time: each call is bounded in time.
        for (let top = Math.max(keepTo, lastSeq - PAIRS); ; top = Math.max(keepTo, top - PAIRS)) {
          await this.content.removeTail({ accountId, rootChatId, chatId, forkSeq }, top);
          if (top === keepTo) break;
        }
      }
      return true;
    } catch (error) {
      this.logger.warn({
        message: 'words could not be purged and are tried again later',
        rootChatId,
        reason: (error as Error).message,
      });
      return false;
    }
  }

  /** In the order of the plan branches come before what they hang at. */
  private async removeRows(purge: Purge, signal: AbortSignal): Promise<number> {
    const { account_id: accountId, root_chat_id: rootId, dooms, whole } = purge;
    // What happened here is told before the events of it go.
    await this.webhooks.dispatch([accountId], [rootId]);
    let removed = 0;
    for (const { chatId, keepTo, whole: chatToo } of dooms) {
      const cut = (tx: EntityManager): Promise<{ pairs: number }[]> =>
        tx.query(CUT_PAIRS, [accountId, chatId, keepTo, PAIRS]);
      removed += await inBatches(
        PAIRS,
        signal,
        async () => (await this.database.transaction(cut))[0]!.pairs,
      );
      if (signal.aborted) return removed;
      if (chatToo && chatId !== rootId)
        await this.database.transaction((tx) => tx.query(REMOVE_CHAT, [accountId, chatId]));
      if (chatToo) removed++;
    }
    if (whole) await this.removeConversation(accountId, rootId, signal);
    return removed;
  }

  private async removeConversation(
    accountId: string,
    rootId: string,
    signal: AbortSignal,
  ): Promise<void> {
    await inBatches(
      EVENTS,
      signal,
      async () => (await this.database.query(CUT_EVENTS, [accountId, rootId, EVENTS])).length,
    );
    if (signal.aborted) return;
    // The root goes last and with its conversation: as long as it is there, the next run finds what
    // is left.
    await this.database.transaction(async (tx) => {
      // First, as whoever brings it in anew locks it first. What is known of its pairs goes along.
      await tx.delete(ImportSource, { accountId, rootChatId: rootId });
      await tx.query(REMOVE_CHAT, [accountId, rootId]);
      await tx.delete(Conversation, { accountId, chatId: rootId });
      await tx.query(REMOVE_WEBHOOK_ROWS, [accountId, rootId]);
    });
  }
}
