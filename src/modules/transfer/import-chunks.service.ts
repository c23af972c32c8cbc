import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import type { Bytes } from './archive.js';
import { ADD_CHUNK, DROP_CHUNKS, FORGET, READ_CHUNKS } from './imports.sql.js';

export const CHUNK_BYTES = 1024 * 1024;
const MIB = 1024 * 1024;
export const IMPORT_BYTES_MAX = 512 * MIB;
/** Smaller pieces of a file let others have their turn between two of them. */
const PIECE_BYTES = 64 * 1024;
/** So many pieces of 1 MiB go in one statement. */
const DROPPED = 32;

/** Files on their way in, in PostgreSQL: any instance goes on with them, and a kill loses none. */
@Injectable()
export class ImportChunks {
  constructor(private readonly database: Database) {}

  /**
   * Keeps a file as it comes, and no faster than it is kept; answers its SHA-256.
   * @throws body_too_large
   */
  async write(
    accountId: string,
    importId: string,
    source: AsyncIterable<Buffer>,
  ): Promise<{ bytes: number; sha256: Buffer }> {
    const hash = createHash('sha256');
    let [bytes, n, waiting] = [0, 0, [] as Buffer[]];
    let waitingBytes = 0;
    const flush = async (): Promise<void> => {
      if (waitingBytes === 0) return;
      const rows = await this.database.query(ADD_CHUNK, [
        ...[accountId, importId, n++],
        Buffer.concat(waiting),
      ]);
      if (rows.length === 0) throw problems.importNotFound();
      [waiting, waitingBytes] = [[], 0];
    };
    for await (let piece of source) {
      bytes += piece.length;
      if (bytes > IMPORT_BYTES_MAX) throw tooLarge();
      hash.update(piece);
      while (waitingBytes + piece.length >= CHUNK_BYTES) {
        const room = CHUNK_BYTES - waitingBytes;
        waiting.push(piece.subarray(0, room));
        waitingBytes = CHUNK_BYTES;
        piece = piece.subarray(room);
        await flush();
      }
      if (piece.length > 0) waiting.push(piece);
      waitingBytes += piece.length;
    }
    await flush();
    return { bytes, sha256: hash.digest() };
  }

  of(accountId: string, importId: string, size: number): Bytes {
    return { size, read: (from, to) => this.read(accountId, importId, from, to) };
  }

  /** Takes away the pieces of an import that has ended. */
  async drop(accountId: string, importId: string): Promise<void> {
    const values = [DROPPED, accountId, importId];
    while ((await this.database.query(DROP_CHUNKS, values)).length === DROPPED);
  }

  /** Takes away an upload that was given up. */
  async forget(accountId: string, importId: string): Promise<void> {
    await this.drop(accountId, importId);
    await this.database.query(FORGET, [accountId, importId]);
  }

  private async *read(
    accountId: string,
    importId: string,
    from: number,
    to: number,
  ): AsyncGenerator<Buffer> {
    for (let at = from; at < to;) {
      const n = Math.floor(at / CHUNK_BYTES);
      const [row] = await this.database.query<{ bytes: Buffer }>(READ_CHUNKS, [
        ...[accountId, importId, n],
      ]);
      // Only an account that is being erased loses its pieces before the end.
      if (!row) throw problems.importNotFound();
      const end = Math.min(to, (n + 1) * CHUNK_BYTES);
      for (; at < end; at = Math.min(end, at + PIECE_BYTES)) {
        const start = at - n * CHUNK_BYTES;
        yield row.bytes.subarray(start, Math.min(end - n * CHUNK_BYTES, start + PIECE_BYTES));
      }
    }
  }
}

export const tooLarge = () =>
  problems.bodyTooLarge({
    detail: `A file of conversations may have ${IMPORT_BYTES_MAX / MIB} MiB at most. Split it, or send it as a zip.`,
  });
