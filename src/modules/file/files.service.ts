import { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { idBefore, type Page, type PageAsked, pageOf } from '../../common/cursor.js';
import { FIRST_UUID, LAST_UUID, newId } from '../../common/ids.js';
import { invalidField, Problem, problems } from '../../common/problems.js';
import { isLonger } from '../../common/text-length.js';
import { Database } from '../../database/database.js';
import { tellAccount } from '../../events/account-changes.js';
import { type ByteRange, FileStores } from '../../files/file-store.js';
import type { FileBytes } from '../../llm/language-model.js';
import type { FilePart } from '../../tree/parts.js';
import { readDataUrl } from './data-url.js';
import {
  type BytesRow,
  type FileRow,
  FIND,
  FIND_BYTES,
  FIND_MANY,
  INSERT,
  LIST,
  LIST_UP,
} from './file.sql.js';
import { removeFiles } from './removal.js';
import { faultsOf, type FileClaims } from './sniffer.js';
import { type StagedBytes, StagingArea } from './staging.service.js';

export interface NewFile {
  name?: string | null;
  /** Of OpenAI's API. */
  purpose?: string | null;
  /**
   * Taken out of a request or an answer: it goes with the last pair that names it, and within two
   * days where none ever does.
   */
  taken?: boolean;
}

/** A file, and bytes of it. */
export interface FileContent {
  file: FileRow;
  bytes: Readable;
}

const SCOPE = 'files';
const NAME_CHARS_MAX = 255;
const FIRST_TRIES = 3;

/** Files of accounts: kept, found, read, removed. */
@Injectable()
export class Files {
  private readonly logger = new Logger('Files');

  constructor(
    private readonly database: Database,
    private readonly stores: FileStores,
    private readonly staging: StagingArea,
  ) {}

  /**
   * A new file of these bytes; they are kept once, however many files they are. A stream is read
   * no faster than it is written. @throws body_too_large, files_full, 422 for the name
   */
  async keep(accountId: string, source: Buffer | Readable, file: NewFile = {}): Promise<FileRow> {
    let staged = await this.staging.stage(accountId, source);
    for (let tries = 1; ; tries++) {
      const made = await this.database
        .transaction((tx) => this.make(tx, accountId, staged, file))
        .catch((error: unknown) => this.giveUp(accountId, staged, error));
      if (made) return made;
      // Deleted between two steps of this.
      if (!Buffer.isBuffer(source) || tries === FIRST_TRIES)
        throw problems.storeUnavailable({ headers: { 'retry-after': '1' } });
      staged = await this.staging.restage(accountId, source);
    }
  }

  /**
   * The bytes of a `data:` URL, as a file that was taken out of a request.
   * @param file `path` is where the URL stands in the request, `says` what is said beside it
   * @throws 422 that names `path`: it is none, or its bytes are not what is said of them
   */
  async keepDataUrl(
    accountId: string,
    url: string,
    { path = '', says, ...file }: NewFile & { path?: string; says?: FileClaims } = {},
  ): Promise<FileRow> {
    const { mediaType, bytes } = readDataUrl(url, path);
    const kept = await this.keep(accountId, bytes, { taken: true, ...file });
    const faults = [
      ...faultsOf({ media_type: mediaType }, path, kept).map((fault) => ({ ...fault, path })),
      ...faultsOf(says ?? {}, path.replace(/\.url$/, ''), kept),
    ];
    if (faults.length === 0) return kept;
    await this.drop(accountId, kept.file_id);
    throw problems.validation({ errors: faults });
  }

  /** The file of bytes that were staged; null where those are gone. Locks what the account has. */
  async make(
    tx: EntityManager,
    accountId: string,
    staged: StagedBytes,
    { name = null, purpose = null, taken = false }: NewFile,
  ): Promise<FileRow | null> {
    await this.staging.adopt(tx, accountId, staged);
    const values = [accountId, newId(), staged.sha256, checkedFileName(name), purpose, taken];
    const [file] = await tx.query<FileRow[]>(INSERT, values);
    if (file) await tellAccount(tx, accountId, 'file.created', [file.file_id]);
    return file ?? null;
  }

  /** @throws file_not_found */
  async find(accountId: string, fileId: string): Promise<FileRow> {
    const [file] = await this.database.query<FileRow>(FIND, [accountId, fileId]);
    if (!file) throw problems.fileNotFound();
    return file;
  }

  /** Those that are there, in no order. */
  findMany(accountId: string, fileIds: readonly string[]): Promise<FileRow[]> {
    return this.database.query<FileRow>(FIND_MANY, [accountId, fileIds]);
  }

  /** The files of an account, newest first. */
  async list(accountId: string, { limit, cursor }: PageAsked): Promise<Page<FileRow>> {
    const rows = await this.behind(accountId, idBefore(cursor, SCOPE), limit + 1);
    return pageOf(rows, limit, SCOPE, ({ file_id: id }) => id);
  }

  /** Those behind one (null: from the first on), newest first unless the order says otherwise. */
  behind(
    accountId: string,
    fileId: string | null,
    limit: number,
    { order = 'desc', purpose }: { order?: 'asc' | 'desc'; purpose?: string } = {},
  ): Promise<FileRow[]> {
    const [statement, first] = order === 'asc' ? [LIST_UP, FIRST_UUID] : [LIST, LAST_UUID];
    const values = [accountId, fileId ?? first, limit, purpose ?? null];
    return this.database.query<FileRow>(statement, values);
  }

  /**
   * The bytes of a file, as they come from the store: a range of them, or the whole.
   * @throws file_not_found; content_unavailable where they cannot be read now
   */
  async read(accountId: string, fileId: string, asked?: ByteRange): Promise<FileContent> {
    const [row] = await this.database.query<BytesRow>(FIND_BYTES, [accountId, fileId]);
    if (!row) throw problems.fileNotFound();
    const { blob_id: blobId, store, ...file } = row;
    const range = asked ?? { from: 0, to: row.bytes };
    try {
      const pieces = this.stores.of(store).read({ accountId, blobId }, range);
      return { file: file as FileRow, bytes: await begun(pieces, range) };
    } catch (error) {
      const cause = (error as Error).message;
      this.logger.error({ message: 'the bytes of a file cannot be read', fileId, store, cause });
      throw problems.contentUnavailable({ headers: { 'retry-after': '2' } });
    }
  }

  /** The same in one buffer. */
  async readWhole(accountId: string, fileId: string): Promise<Buffer> {
    const { bytes } = await this.read(accountId, fileId);
    const pieces: Buffer[] = [];
    for await (const piece of bytes as AsyncIterable<Buffer>) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** For models; null where there is no such file. @throws content_unavailable */
  async readForModel(
    accountId: string,
    { file_id, media_type }: FilePart,
  ): Promise<FileBytes | null> {
    try {
      return { data: await this.readWhole(accountId, file_id!), media_type };
    } catch (error) {
      if (error instanceof Problem && error.kind.status === 404) return null;
      throw error;
    }
  }

  /** @throws file_not_found, file_in_use */
  async remove(accountId: string, fileId: string): Promise<void> {
    if (await this.drop(accountId, fileId)) return;
    await this.find(accountId, fileId);
    throw problems.fileInUse();
  }

  /** False where it is not there, or a pair names it. */
  private drop(accountId: string, fileId: string): Promise<boolean> {
    return this.database.transaction(
      async (tx) => (await removeFiles(tx, accountId, [fileId])) > 0,
    );
  }

  private async giveUp(accountId: string, staged: StagedBytes, error: unknown): Promise<never> {
    await this.staging.giveUp(accountId, staged).catch(() => undefined);
    throw error;
  }
}

/** What a file may be called; null where nothing is left of it. @throws 422 */
function checkedFileName(name: string | null): string | null {
  const said = name?.trim() ?? '';
  if (said === '') return null;
  if (isLonger(said, NAME_CHARS_MAX))
    throw invalidField('name', `must have at most ${NAME_CHARS_MAX} characters`);
  if (said.includes('\0') || !said.isWellFormed())
    throw invalidField('name', 'must be well-formed Unicode without U+0000');
  return said;
}

/** Begins to read before anybody is told that there is something to be read. */
async function begun(pieces: AsyncIterable<Buffer>, { from, to }: ByteRange): Promise<Readable> {
  if (from === to) return Readable.from([], { objectMode: false });
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  async function* all(): AsyncGenerator<Buffer> {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return Readable.from(all(), { objectMode: false, highWaterMark: 1 });
}
