import { Injectable } from '@nestjs/common';
import { idBefore, type Page, type PageAsked, pageOf } from '../../common/cursor.js';
import { newId } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { tellAccount } from '../../events/account-changes.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import { ImportChunks } from './import-chunks.service.js';
import { toImportDto } from './import.dto.js';
import { ImportRunner } from './import-runner.service.js';
import {
  BEGIN,
  CANCEL,
  COUNT_OPEN,
  FIND,
  FIND_MANY,
  GIVE_UP,
  type ImportRow,
  LIST,
  RECEIVED,
} from './imports.sql.js';

/** A file as it comes. */
export interface ImportUpload {
  name: string | null;
  bytes: AsyncIterable<Buffer>;
}

const SCOPE = 'imports';
/** So many files of one account may be on their way. */
const OPEN_MAX = 8;

/** Files of conversations: taken, looked at, cancelled. */
@Injectable()
export class Imports {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly chunks: ImportChunks,
    private readonly runner: ImportRunner,
  ) {}

  /**
   * Keeps a file, whole, and has it brought in; answers the JSON of an `ImportDto`. What breaks off
   * leaves nothing. @throws body_too_large, too_many_imports, validation_failed for an empty one
   */
  async receive(
    accountId: string,
    key: IdempotentRequest | null,
    upload: ImportUpload,
  ): Promise<string> {
    const [count] = await this.database.query<{ open: number }>(COUNT_OPEN, [accountId]);
    if (count!.open >= OPEN_MAX) throw problems.tooManyImports();
    const importId = newId();
    await this.database.query(BEGIN, [accountId, importId, upload.name, new Date()]);
    let isTaken = false;
    try {
      const { bytes, sha256 } = await this.chunks.write(accountId, importId, upload.bytes);
      if (bytes === 0) throw problems.importEmpty();
      const json = await this.idempotency.once(accountId, key && named(key, sha256), async (tx) => {
        const [rows] = await tx.query<[ImportRow[], number]>(RECEIVED, [accountId, importId]);
        if (!rows[0]) throw problems.importNotFound();
        await tellAccount(tx, accountId, 'import.progress', [importId]);
        return toImportDto(rows[0]);
      });
      isTaken = json.includes(importId);
      if (isTaken) this.runner.wake();
      return json;
    } finally {
      if (!isTaken) await this.forget(accountId, importId);
    }
  }

  /** @throws import_not_found */
  async get(accountId: string, importId: string): Promise<ImportRow> {
    const [row] = await this.database.query<ImportRow>(FIND, [accountId, importId]);
    if (!row) throw problems.importNotFound();
    return row;
  }

  /** Those that are there, in no order. */
  findMany(accountId: string, importIds: readonly string[]): Promise<ImportRow[]> {
    return this.database.query<ImportRow>(FIND_MANY, [accountId, importIds]);
  }

  /** Newest first. */
  async list(accountId: string, { limit, cursor }: PageAsked): Promise<Page<ImportRow>> {
    const values = [accountId, idBefore(cursor, SCOPE), limit + 1];
    const rows = await this.database.query<ImportRow>(LIST, values);
    return pageOf(rows, limit, SCOPE, ({ import_id: id }) => id);
  }

  /**
   * Conversations that came in stay. One that has ended stays as it is. @throws import_not_found
   */
  cancel(accountId: string, key: IdempotentRequest | null, importId: string): Promise<string> {
    return this.idempotency.once(accountId, key, async (tx) => {
      const [rows] = await tx.query<[ImportRow[], number]>(CANCEL, [accountId, importId]);
      if (rows[0]) await tellAccount(tx, accountId, 'import.progress', [importId]);
      return toImportDto(rows[0] ?? (await this.get(accountId, importId)));
    });
  }

  private async forget(accountId: string, importId: string): Promise<void> {
    // What is left here is found by the runner of any instance.
    await this.database
      .query(GIVE_UP, [accountId, importId])
      .then(() => this.chunks.forget(accountId, importId))
      .catch(() => undefined);
  }
}

/** The key of a request whose body is known by its hash: it is not kept in memory. */
const named = (key: IdempotentRequest, fingerprint: Buffer): IdempotentRequest => ({
  scope: key.scope,
  key: key.key,
  fingerprint,
  get replayed() {
    return key.replayed;
  },
  set replayed(is: boolean) {
    key.replayed = is;
  },
});
