import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../../common/ids.js';
import { type Problem, problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import { FilesAwayError, FileStores } from '../../files/file-store.js';
import { ADOPT, EXPECT, FIND_BLOB, GIVE_UP, LOCK_ACCOUNT } from './file.sql.js';
import { Sniffer } from './sniffer.js';

/** Bytes that are in the store and no file yet. */
export interface StagedBytes {
  /** Null where the account had these bytes already, and nothing was written. */
  blobId: string | null;
  bytes: number;
  sha256: Buffer;
  mediaType: string;
}

const MIB = 1024 * 1024;

/** Takes bytes into the store, before anybody has a file of them. */
@Injectable()
export class StagingArea {
  constructor(
    private readonly database: Database,
    private readonly stores: FileStores,
    private readonly config: Config,
  ) {}

  /**
   * Writes the bytes as they come, and finds out what they are. A buffer whose bytes the account
   * has already is not written again. @throws body_too_large; what the source throws
   */
  async stage(accountId: string, source: Buffer | Readable): Promise<StagedBytes> {
    if (!Buffer.isBuffer(source)) return this.write(accountId, source);
    return (await this.known(accountId, source)) ?? this.restage(accountId, source);
  }

  /** As `stage`, of bytes that the account had a moment ago. */
  restage(accountId: string, source: Buffer): Promise<StagedBytes> {
    return this.write(accountId, Readable.from([source]));
  }

  /**
   * Makes the bytes the account's own, unless it has them already; then those that were written are
   * taken away, soon. @throws files_full
   */
  async adopt(tx: EntityManager, accountId: string, staged: StagedBytes): Promise<void> {
    const { blobId, sha256, bytes, mediaType } = staged;
    await tx.query(LOCK_ACCOUNT, [accountId]);
    if (blobId === null) return;
    const values = [accountId, sha256, blobId, bytes, mediaType];
    const [[account]] = await tx.query<[{ bytes: number }[], number]>(ADOPT, values);
    if (account) this.assertRoom(account.bytes);
    else await tx.query(GIVE_UP.text, [accountId, blobId]);
  }

  /** What was staged for nothing is taken away, soon. */
  async giveUp(accountId: string, { blobId }: Pick<StagedBytes, 'blobId'>): Promise<void> {
    if (blobId !== null) await this.database.query(GIVE_UP, [accountId, blobId]);
  }

  private async known(accountId: string, bytes: Buffer): Promise<StagedBytes | null> {
    assertFits(bytes.length, this.config.FILE_BYTES_MAX);
    const sha256 = createHash('sha256').update(bytes).digest();
    const [blob] = await this.database.query<{ media_type: string }>(FIND_BLOB, [
      accountId,
      sha256,
    ]);
    return blob ? { blobId: null, bytes: bytes.length, sha256, mediaType: blob.media_type } : null;
  }

  private async write(accountId: string, source: Readable): Promise<StagedBytes> {
    const blobId = newId();
    const { main } = this.stores;
    await this.database.query(EXPECT, [accountId, blobId, main.name]);
    const measured = new MeasuredBytes(source, this.config.FILE_BYTES_MAX);
    try {
      await main.write({ accountId, blobId }, measured.chunks());
      return { blobId, ...(await measured.found()) };
    } catch (error) {
      source.destroy();
      await this.giveUp(accountId, { blobId }).catch(() => undefined);
      throw error instanceof FilesAwayError ? away(error) : error;
    }
  }

  private assertRoom(bytes: number): void {
    const most = this.config.FILES_PER_ACCOUNT_MB * MIB;
    if (most > 0 && bytes > most)
      throw problems.filesFull({
        detail: `The files of an account may take ${this.config.FILES_PER_ACCOUNT_MB} MiB together (FILES_PER_ACCOUNT_MB). Delete some first.`,
      });
  }
}

/** What the store said is for the log alone. */
function away({ message }: FilesAwayError): Problem {
  const problem = problems.storeUnavailable({
    detail: 'The store of files takes nothing now. Send it again in a moment.',
    headers: { 'retry-after': '2' },
  });
  problem.cause = message;
  return problem;
}

function assertFits(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax)
    throw problems.bodyTooLarge({
      detail: `A file may have ${bytesMax} bytes at most (FILE_BYTES_MAX).`,
    });
}

/** Bytes on their way, and what is learned of them in passing. */
class MeasuredBytes {
  private readonly hash: Hash = createHash('sha256');
  private readonly sniffer = new Sniffer();
  private bytes = 0;

  constructor(
    private readonly source: Readable,
    private readonly bytesMax: number,
  ) {}

  async *chunks(): AsyncIterable<Buffer> {
    for await (const chunk of this.source as AsyncIterable<Buffer>) {
      this.bytes += chunk.length;
      assertFits(this.bytes, this.bytesMax);
      this.hash.update(chunk);
      this.sniffer.take(chunk);
      yield chunk;
    }
  }

  async found(): Promise<Omit<StagedBytes, 'blobId'>> {
    return {
      bytes: this.bytes,
      sha256: this.hash.digest(),
      mediaType: await this.sniffer.mediaType(),
    };
  }
}
