import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Config } from '../../config/config.js';
import { Database, type Statement } from '../../database/database.js';
import { recordChanges } from '../../events/changes.js';
import { Conversation } from '../chat/conversation.entity.js';
import { inBatches, type Job } from './job.js';
import { PurgeJob } from './purge.job.js';
import type { Tree } from './purge.sql.js';

const BATCH = 200;

/** Temporary conversations in which nothing was used for $1 seconds. */
const IDLE: Statement = {
  name: 'maintenance.idle_temporary',
  text: `
    SELECT r.account_id, r.root_chat_id FROM chats r
    WHERE r.chat_type = 'temporary' AND r.parent_chat_id IS NULL AND r.deleted_at IS NULL
      AND NOT EXISTS (
        SELECT FROM chats c WHERE c.account_id = r.account_id AND c.root_chat_id = r.root_chat_id AND c.deleted_at IS NULL
          AND c.updated_at > now() - $1::float8 * interval '1 s')
    LIMIT $2`,
};

/** The root first, like every change of a tree. */
const LOCK = `SELECT chat_id FROM chats WHERE account_id = $1 AND root_chat_id = $2 ORDER BY depth, chat_id FOR UPDATE`;

/** `updated_at` stays: by it the purge sees that their time is over. */
const BURY = `
  UPDATE chats c SET deleted_at = clock_timestamp(), revision = revision + 1
  WHERE c.account_id = $1 AND c.root_chat_id = $2 AND c.deleted_at IS NULL
    AND NOT EXISTS (
      SELECT FROM chats o WHERE o.account_id = $1 AND o.root_chat_id = $2 AND o.deleted_at IS NULL
        AND o.updated_at > now() - $3::float8 * interval '1 s')
  RETURNING c.chat_id`;

/** Temporary chats leave no trace when their time is over: they are deleted and purged at once. */
@Injectable()
export class TemporaryChatsJob implements Job {
  readonly name = 'temporary chats';
  readonly everySeconds = 300;

  constructor(
    private readonly database: Database,
    private readonly purge: PurgeJob,
    private readonly config: Config,
  ) {}

  run(signal: AbortSignal): Promise<number> {
    return inBatches(BATCH, signal, async () => {
      const idle = await this.database.query<Tree & Record<string, unknown>>(IDLE, [
        this.config.TEMPORARY_CHAT_TTL_SECONDS,
        BATCH,
      ]);
      const buried: Tree[] = [];
      for (const tree of idle)
        if (await this.database.transaction((tx) => this.bury(tx, tree))) buried.push(tree);
      await this.purge.purge(buried, signal);
      return buried.length;
    });
  }

  /** False when somebody used it in the last moment. */
  private async bury(
    tx: EntityManager,
    { account_id: accountId, root_chat_id: rootChatId }: Tree,
  ): Promise<boolean> {
    await tx.query(LOCK, [accountId, rootChatId]);
    const [rows] = await tx.query<[unknown[], number]>(BURY, [
      accountId,
      rootChatId,
      this.config.TEMPORARY_CHAT_TTL_SECONDS,
    ]);
    if (rows.length === 0) return false;
    await tx.update(Conversation, { accountId, chatId: rootChatId }, { deleted: true });
    await recordChanges(
      tx,
      { accountId, rootChatId, createdAt: new Date() },
      [{ type: 'chat.deleted', chatId: rootChatId }],
      -rows.length,
    );
    return true;
  }
}
