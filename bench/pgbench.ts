import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { appendStatements } from '../src/modules/message/append.sql.js';
import { pairOf } from './text.js';

const CLIENTS = 8;

export interface Pgbench {
  /** Whether pgbench itself ran, or its stand-in. */
  name: 'pgbench' | 'pg clients';
  run: (ms: number) => Promise<{ requests: number; seconds: number }>;
}

interface Target {
  databaseUrl: string;
  accountId: string;
  chats: number;
}

/**
 * What PostgreSQL alone can do: the append that Banyan sends when nothing else waits, prepared,
 * over and over from 8 clients, to one of many chats. Where the machine has no pgbench the same SQL
 * is sent by `pg`, which costs the machine more.
 */
export function pgbenchFor(target: Target): Pgbench {
  try {
    execFileSync('pgbench', ['--version'], { stdio: 'ignore' });
    return { name: 'pgbench', run: (ms) => runPgbench(target, ms) };
  } catch {
    return { name: 'pg clients', run: (ms) => runClients(target, ms) };
  }
}

const body = JSON.stringify({ ...pairOf(1), metadata: null });

/**
 * The statement with its inputs in place; `chat` and `words` are those that change from run to run
 * or need quoting.
 */
function scriptOf({ accountId }: Target, chat: string, words: string): string {
  const values: Record<string, string> = {
    account_id: `'${accountId}'::uuid`,
    chat_id: `('00000000-0000-7000-8000-' || lpad(to_hex(${chat}::int), 12, '0'))::uuid`,
    response_id: 'uuidv7()',
    message_type: `'text'::text`,
    status: `'complete'::text`,
    created_at: 'now()',
    body: `${words}::text`,
    bytes: `${Buffer.byteLength(body)}`,
    sha256: `'\\x${'a5'.repeat(32)}'::bytea`,
    has_parent: 'false',
    must_be_active: 'false',
  };
  return appendStatements('chat_contents').one.text.replaceAll(
    /\$\d+::(\w+) AS (\w+)/g,
    (_, type: string, name: string) => `${values[name] ?? `NULL::${type}`} AS ${name}`,
  );
}

async function runPgbench(
  target: Target,
  ms: number,
): Promise<{ requests: number; seconds: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-pgbench-'));
  try {
    const script = join(folder, 'append.sql');
    writeFileSync(
      script,
      `\\set chat random(1, ${target.chats})\n${scriptOf(target, ':chat', ':words').replaceAll(/\s+/g, ' ')};\n`,
    );
    const url = new URL(target.databaseUrl);
    const where = [
      '-h',
      url.searchParams.get('host')!,
      '-p',
      url.port,
      '-U',
      url.username,
      url.pathname.slice(1),
    ];
    const how = [
      '-n',
      '-M',
      'prepared',
      '-c',
      String(CLIENTS),
      '-j',
      '1',
      '-T',
      String(Math.max(1, Math.round(ms / 1000))),
    ];
    const { stdout } = await promisify(execFile)('pgbench', [
      ...how,
      '-D',
      `words=${body}`,
      '-f',
      script,
      ...where,
    ]);
    const requests = Number(/actually processed: (\d+)/.exec(stdout)?.[1]);
    const rate = Number(/tps = ([\d.]+) \(without/.exec(stdout)?.[1]);
    const failed = Number(/failed transactions: (\d+)/.exec(stdout)?.[1] ?? 0);
    if (!(requests > 0) || failed > 0) throw new Error(`pgbench failed:\n${stdout}`);
    return { requests, seconds: requests / rate };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runClients(
  target: Target,
  ms: number,
): Promise<{ requests: number; seconds: number }> {
  const clients = Array.from(
    { length: CLIENTS },
    () => new Client({ connectionString: target.databaseUrl }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  const text = scriptOf(target, '$1', '$2');
  const started = performance.now();
  let requests = 0;
  const work = async (client: Client): Promise<void> => {
    while (performance.now() - started < ms) {
      await client.query({
        name: 'append',
        text,
        values: [1 + Math.floor(Math.random() * target.chats), body],
      });
      requests++;
    }
  };
  await Promise.all(clients.map(work));
  const seconds = (performance.now() - started) / 1000;
  await Promise.all(clients.map((client) => client.end()));
  return { requests, seconds };
}
