import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DataSource } from 'typeorm';
import { serverOptions } from '../../src/data-source.js';
import { Database } from '../../src/database/database.js';
import { itemsOf } from '../../src/formats/json-items.js';
import { CHUNK_BYTES, ImportChunks } from '../../src/modules/transfer/import-chunks.service.js';
import { BEGIN } from '../../src/modules/transfer/imports.sql.js';
import { TestClient } from '../support/client.js';
import { pieces } from '../support/export-maker.mjs';
import { sharedServer } from '../support/shared-server.js';

const SCRIPT = fileURLToPath(new URL('../support/import-memory.mjs', import.meta.url));
const PIECE_BYTES = 64 * 1024;

describe('an export of 230 MB, of more than 200,000 messages', () => {
  it('goes through in under 200 MB of memory', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, '230']);
    const told = JSON.parse(stdout) as Record<string, number>;
    expect(told.bytes).toBeGreaterThan(230e6);
    expect(told.messages).toBeGreaterThan(200_000);
    expect(told.peakMb).toBeLessThan(200);
  });
});

describe('a file that comes in', () => {
  it('is kept a piece of 1 MiB at a time, and read again no faster than its conversations are taken', async () => {
    const server = await sharedServer();
    const { accountId } = await TestClient.register(server.url);
    const dataSource = await new DataSource(serverOptions(server.databaseUrl, 1)).initialize();
    const database = new Database(dataSource);
    const [chunks, importId] = [new ImportChunks(database), randomUUID()];
    await database.query(BEGIN, [accountId, importId, null, new Date()]);
    const kept = async (): Promise<number> => {
      const [row] = await dataSource.query<{ bytes: number }[]>(
        `SELECT coalesce(sum(octet_length(bytes)), 0)::int AS bytes FROM import_chunks WHERE account_id = $1`,
        [accountId],
      );
      return row!.bytes;
    };
    const most = { coming: 0, going: 0 };
    let given = 0;
    async function* source(): AsyncGenerator<Buffer> {
      for (const piece of pieces(8, { bytes: 0 })) {
        most.coming = Math.max(most.coming, given - (await kept()));
        given += piece.length;
        yield piece;
      }
    }
    try {
      const { bytes } = await chunks.write(accountId!, importId, source());
      expect(bytes).toBe(given);
      let [taken, used] = [0, 0];
      const read = async function* (): AsyncGenerator<Buffer> {
        for await (const piece of chunks.of(accountId!, importId, bytes).read(0, bytes)) {
          taken += piece.length;
          yield piece;
        }
      };
      for await (const item of itemsOf(read(), 'list')) {
        used += Buffer.byteLength(JSON.stringify(item)) + 1;
        most.going = Math.max(most.going, taken - used);
      }
      expect(used + 1).toBe(bytes);
      expect(most.coming).toBeLessThanOrEqual(CHUNK_BYTES + PIECE_BYTES);
      expect(most.going).toBeLessThanOrEqual(2 * PIECE_BYTES);
    } finally {
      await chunks.forget(accountId!, importId);
      await dataSource.destroy();
      await server.close();
    }
  });
});
