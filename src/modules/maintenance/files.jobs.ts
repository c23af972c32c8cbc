import { Injectable, Logger } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { FileStores, type StoreName } from '../../files/file-store.js';
import { removeFiles } from '../file/removal.js';
import { inBatches, type Job } from './job.js';

const FILES = 200;
const BLOBS = 50;

interface LooseRow extends Record<string, unknown> {
  account_id: string;
  file_ids: string[];
}

/** Taken files that no pair names for a day, the oldest first, by account. */
const LOOSE: Statement = {
  name: 'maintenance.loose_files',
  text: `
    SELECT account_id, array_agg(file_id::text) AS file_ids FROM (
      SELECT account_id, file_id FROM files WHERE loose_since <= now() - interval '1 day' ORDER BY loose_since LIMIT $1
    ) loose GROUP BY account_id ORDER BY account_id`,
};

/** Some pair names them after all. */
const BIND = `UPDATE files SET loose_since = NULL WHERE account_id = $1 AND file_id = ANY ($2::uuid[])`;

/**
 * Files that were taken out of requests and answers, and that no pair names: of posts that were
 * refused, and of pairs that were purged. What its owner has put here stays until its owner deletes
 * it.
 */
@Injectable()
export class FilesJob implements Job {
  readonly name = 'files of nobody';
  readonly everySeconds = 600;

  constructor(private readonly database: Database) {}

  run(signal: AbortSignal): Promise<number> {
    return inBatches(FILES, signal, async () => {
      const accounts = await this.database.query<LooseRow>(LOOSE, [FILES]);
      let looked = 0;
      for (const { account_id: accountId, file_ids: ids } of accounts) {
        await this.database.transaction(async (tx) => {
          await removeFiles(tx, accountId, ids);
          await tx.query(BIND, [accountId, ids]);
        });
        looked += ids.length;
      }
      return looked;
    });
  }
}

interface LeftoverRow extends Record<string, unknown> {
  account_id: string;
  blob_id: string;
  store: StoreName;
}

/** Whoever still makes a file of one has a minute from the moment at which it was due. */
const LEFTOVERS: Statement = {
  name: 'maintenance.file_leftovers',
  text: `
    SELECT account_id, blob_id, store FROM file_leftovers WHERE due_at <= now() - interval '1 min'
    ORDER BY due_at LIMIT $1`,
};
const FORGET: Statement = {
  name: 'maintenance.forget_leftover',
  text: `DELETE FROM file_leftovers WHERE account_id = $1 AND blob_id = $2`,
};
const LATER: Statement = {
  name: 'maintenance.leftover_later',
  text: `UPDATE file_leftovers SET due_at = now() + interval '10 min' WHERE account_id = $1 AND blob_id = $2`,
};

/** Bytes that are no file (any more): taken out of their store, and then forgotten. */
@Injectable()
export class LeftoversJob implements Job {
  private readonly logger = new Logger('Maintenance');
  readonly name = 'bytes of deleted files';
  readonly everySeconds = 60;

  constructor(
    private readonly database: Database,
    private readonly stores: FileStores,
  ) {}

  run(signal: AbortSignal): Promise<number> {
    return inBatches(BLOBS, signal, async () => {
      const rows = await this.database.query<LeftoverRow>(LEFTOVERS, [BLOBS]);
      for (const row of rows) await this.remove(row);
      return rows.length;
    });
  }

  /** A store that is away keeps nobody else's bytes from going. */
  private async remove({ account_id: accountId, blob_id: blobId, store }: LeftoverRow) {
    try {
      await this.stores.of(store).remove({ accountId, blobId });
      await this.database.query(FORGET, [accountId, blobId]);
    } catch (error) {
      const reason = (error as Error).message;
      this.logger.warn({ message: 'bytes could not be removed', store, blobId, reason });
      await this.database.query(LATER, [accountId, blobId]);
    }
  }
}
