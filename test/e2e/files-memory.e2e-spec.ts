import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createDatabase, mongoUriFor, SETTINGS } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { startS3 } from '../support/s3-server.js';
import { ServerProcess } from '../support/server-process.js';

const MIB = 1024 * 1024;
const FILE_BYTES = 64 * MIB;
const MEMORY_BYTES = 40 * MIB;
const RUNS_MAX = 4;
/** What a process needs for its first requests is not what a file needs. */
const WARM_UP_BYTES = 8 * MIB;

const PIECE = randomBytes(64 * 1024);
function* piecesOf(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE;
}

const memoryOf = (pid: number, what: 'VmRSS' | 'VmHWM'): number => {
  const kib = new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kib![1]) * 1024;
};

/**
 * By how much the memory of a process was above that of before, at most, while `work` ran: the
 * least of some runs, as garbage waits longer on a busy machine. Who holds a whole file holds it in
 * every run.
 */
async function peakOf(pid: number, work: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let run = 1; run <= RUNS_MAX && least >= MEMORY_BYTES; run++) {
    writeFileSync(`/proc/${pid}/clear_refs`, '5'); // the peak begins anew
    const before = memoryOf(pid, 'VmRSS');
    await work();
    least = Math.min(least, memoryOf(pid, 'VmHWM') - before);
  }
  return least;
}

/** A server of its own, whose memory nobody else uses. */
async function aServer(env: Record<string, string>, databaseUrl: string): Promise<ServerProcess> {
  const cwd = mkdtempSync(join(tmpdir(), 'banyan-memory-'));
  const server = await ServerProcess.ready({
    cwd,
    env: { ...SETTINGS, DATABASE_URL: databaseUrl, ...env },
  });
  void server.exit().then(() => rmSync(cwd, { recursive: true, force: true }));
  return server;
}

/** A form, sent as it is made: this process would not hold the file either. */
function upload({ url, token }: TestClient, bytes: number): Promise<string> {
  const [head, tail] = [
    '--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n',
    '\r\n--b--\r\n',
  ];
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/api/v1/files`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'multipart/form-data; boundary=b',
        'content-length': head.length + bytes + tail.length,
      },
    });
    sent.on('error', reject).on('response', (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk));
      answer.on('end', () => resolve((JSON.parse(text) as { file_id: string }).file_id));
    });
    const form = (function* () {
      yield Buffer.from(head);
      yield* piecesOf(bytes);
      yield Buffer.from(tail);
    })();
    pipeline(Readable.from(form), sent).catch(reject);
  });
}

async function download(client: TestClient, fileId: string, range?: string): Promise<number> {
  const answer = await fetch(`${client.url}/api/v1/files/${fileId}/content`, {
    headers: { authorization: `Bearer ${client.token}`, ...(range && { range }) },
  });
  let bytes = 0;
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>)
    bytes += chunk.length;
  return bytes;
}

interface Place {
  env: Record<string, string>;
  end(): Promise<void>;
}
const nothing = async (): Promise<void> => undefined;
const PLACES: Record<string, (databaseUrl: string) => Promise<Place>> = {
  PostgreSQL: async () => ({ env: {}, end: nothing }),
  S3: async () => {
    const s3 = await startS3();
    const env = {
      FILE_STORE: s3.address,
      S3_ACCESS_KEY_ID: s3.keys.accessKeyId,
      S3_SECRET_ACCESS_KEY: s3.keys.secretAccessKey,
    };
    return { env, end: () => s3.stop() };
  },
  ...(process.env.TEST_MONGODB_URI && {
    GridFS: async (databaseUrl: string) => ({
      env: { MONGODB_URI: mongoUriFor(databaseUrl) },
      end: nothing,
    }),
  }),
};

// Linux alone tells what a process had at most; elsewhere there is nothing to be seen.
const onLinux = process.platform === 'linux' ? describe : describe.skip;
onLinux('a file of 64 MiB', () => {
  it.each(Object.keys(PLACES))(
    'goes up and comes down in under 40 MiB of memory (%s)',
    async (name) => {
      const databaseUrl = await createDatabase();
      const place = await PLACES[name]!(databaseUrl);
      const server = await aServer(place.env, databaseUrl);
      const { pid } = server;
      const ann = await TestClient.register(server.url);
      await download(ann, await upload(ann, WARM_UP_BYTES));

      let id = '';
      const up = await peakOf(pid, async () => (id = await upload(ann, FILE_BYTES)));
      let found = 0;
      const down = await peakOf(pid, async () => (found = await download(ann, id)));
      let part = 0;
      const range = `bytes=${MIB - 1}-${FILE_BYTES - MIB}`;
      const ranged = await peakOf(pid, async () => (part = await download(ann, id, range)));
      await server.stop();
      await place.end();
      process.stderr.write(
        `${name}: ${[up, down, ranged].map((b) => Math.round(b / MIB)).join(', ')} MiB\n`,
      );

      expect([found, part]).toEqual([FILE_BYTES, FILE_BYTES - 2 * MIB + 2]);
      expect(Math.max(up, down, ranged)).toBeLessThan(MEMORY_BYTES);
    },
  );
});
