import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedMongo, startEmbeddedMongo } from './embedded-mongo.js';

/**
 * Stands in for mongod, which few machines have: listens on the socket that it is told, writes its
 * pid, ends at SIGINT.
 */
const STAND_IN = `#!${process.execPath}
const at = (name) => process.argv[process.argv.indexOf(name) + 1];
if (require('fs').existsSync(__dirname + '/broken')) { console.log('no AVX'); process.exit(132); }
require('fs').writeFileSync(__dirname + '/pid', String(process.pid)); // it can be reached before a callback is called
require('net').createServer().listen(at('--bind_ip'));
process.on('SIGINT', () => { require('fs').writeFileSync(__dirname + '/clean', ''); process.exit(0); });
`;

let folder: string;
let program: string;
let mongo: EmbeddedMongo | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-mongo-'));
  program = join(folder, 'mongod');
  writeFileSync(program, STAND_IN);
  chmodSync(program, 0o755);
});

afterEach(async () => {
  await mongo?.stop();
  mongo = undefined;
  rmSync(folder, { recursive: true });
});

const accepts = (uri: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(decodeURIComponent(/\/\/([^/]+)\//.exec(uri)![1]!));
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

it('listens on a socket in the data folder, and stops cleanly', async () => {
  mongo = await startEmbeddedMongo({ program, dataDir: join(folder, 'data') });
  expect(mongo.uri).toContain(encodeURIComponent(join(folder, 'data/run-mongo')));
  expect(await accepts(mongo.uri)).toBe(true);
  await mongo.stop();
  expect(existsSync(join(folder, 'clean'))).toBe(true);
  expect(await accepts(mongo.uri)).toBe(false);
});

it('is started again at the same address when it is killed', async () => {
  mongo = await startEmbeddedMongo({ program, dataDir: join(folder, 'data') });
  const first = readFileSync(join(folder, 'pid'), 'utf8');
  process.kill(Number(first), 'SIGKILL');
  for (
    const deadline = Date.now() + 10_000;
    [first, ''].includes(readFileSync(join(folder, 'pid'), 'utf8')) || !(await accepts(mongo.uri));
    await sleep(20)
  ) {
    if (Date.now() > deadline) throw new Error('it was not started again');
  }
});

it('says at once what mongod said when it cannot run here', async () => {
  writeFileSync(join(folder, 'broken'), '');
  await expect(startEmbeddedMongo({ program, dataDir: join(folder, 'data') })).rejects.toThrow(
    /did not start on .*no AVX/,
  );
});
