import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { newId } from '../../common/ids.js';
import { Database } from '../../database/database.js';
import { tellAccount } from '../../events/account-changes.js';
import { Unreadable } from '../../formats/source.js';
import { isForeignKeyViolation } from '../../runtime/pg-errors.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import { Files } from '../file/files.service.js';
import { ConversationWriter } from './conversation-writer.service.js';
import { ImportChunks } from './import-chunks.service.js';
import type { ImportStatus } from './import.entity.js';
import { ImportJob, LeaseLost } from './import-job.js';
import { CLAIM, type ClaimedRow, DROP_GIVEN_UP, END, RELEASE } from './imports.sql.js';
import { SourceArchive } from './source-archive.js';

type Place = [accountId: string, importId: string, leaseId: string];

const LOOK_MS = 3000;
/** A file that was begun so often and never came to its end ends whoever reads it. */
const ATTEMPTS_MAX = 10;
/** What failed for a reason that passes is tried again after this. */
const AGAIN_SECONDS = 5;

/**
 * Brings files in, one at a time in each instance, under a lease: what an instance that died had
 * begun another one goes on with.
 */
@Injectable()
export class ImportRunner implements OnApplicationBootstrap {
  private readonly logger = new Logger('Imports');
  private readonly loop = new Loop(
    () => this.work(),
    new Outage((cause) => this.logger.warn({ message: 'imports wait', cause })),
    { everyMs: LOOK_MS },
  );

  constructor(
    private readonly database: Database,
    private readonly chunks: ImportChunks,
    private readonly writer: ConversationWriter,
    private readonly files: Files,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  @ClosesAt('jobs')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** There is something to do. Returns at once. */
  wake(): void {
    this.loop.wake();
  }

  private async work(): Promise<void> {
    for (const row of await this.database.query<{ account_id: string; import_id: string }>(
      DROP_GIVEN_UP,
      [],
    ))
      await this.chunks.forget(row.account_id, row.import_id);
    while (!this.loop.isStopped) {
      const leaseId = newId();
      const [row] = await this.database.query<ClaimedRow>(CLAIM, [leaseId]);
      if (!row) return;
      await this.runOne(row, leaseId);
    }
  }

  private async runOne(row: ClaimedRow, leaseId: string): Promise<void> {
    const { account_id: accountId, import_id: importId } = row;
    const place: Place = [accountId, importId, leaseId];
    try {
      if (row.attempts > ATTEMPTS_MAX) throw GIVEN_UP;
      if (!row.cancel_asked) await this.read(row, leaseId);
      await this.end(place, 'done');
    } catch (error) {
      if (error instanceof Unreadable) {
        const { code, message } = error;
        await this.end(place, 'failed', JSON.stringify({ code, message }));
      } else if (error instanceof LeaseLost || isForeignKeyViolation(error)) {
        // Cancelled, or the account is gone; of what somebody else took nothing is ended.
        await this.end(place, 'cancelled');
      } else {
        await this.database.query(RELEASE, [...place, AGAIN_SECONDS]);
        throw error;
      }
    }
    await this.chunks.drop(accountId, importId);
  }

  private end(place: Place, status: ImportStatus, error: string | null = null): Promise<void> {
    const [accountId, importId] = place;
    return this.database.transaction(async (tx) => {
      const [rows] = await tx.query<[unknown[], number]>(END, [...place, status, error]);
      if (rows.length > 0) await tellAccount(tx, accountId, 'import.progress', [importId]);
    });
  }

  private async read(row: ClaimedRow, leaseId: string): Promise<void> {
    const file = this.chunks.of(row.account_id, row.import_id, row.bytes);
    const archive = await SourceArchive.open(file);
    try {
      const { database, writer, files } = this;
      await new ImportJob({ database, writer, files }, row, leaseId, archive).run();
    } finally {
      archive.close();
    }
  }
}

const GIVEN_UP = new Unreadable(
  'given_up',
  'The server ended every time that it read this file. It is not tried again.',
);
