import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createDatabase, SETTINGS } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { ServerProcess } from '../support/server-process.js';

/** Tells at the end which files were asked for by `require`, as Nest does for some packages. */
const TELL = `
  const { writeFileSync } = require('node:fs');
  const { _cache } = require('node:module');
  process.on('exit', () => writeFileSync(process.env.REQUIRED, Object.keys(_cache).join('\\n')));`;

let cwd: string;
let required: string[];

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'banyan-bundle-'));
  const [tell, told] = [join(cwd, 'tell.cjs'), join(cwd, 'told')];
  writeFileSync(tell, TELL);
  const settings = { ...SETTINGS, DATABASE_URL: await createDatabase() };
  const env = { ...settings, NODE_OPTIONS: `--require ${tell}`, REQUIRED: told };
  const server = await ServerProcess.ready({ cwd, env });
  const ann = await TestClient.register(server.url);
  await ann.aChat(1);
  expect((await fetch(`${server.url}/docs`)).status).toBe(200);
  await server.stop();
  required = readFileSync(told, 'utf8').split('\n');
});
afterAll(() => rmSync(cwd, { recursive: true }));

it('a server that runs from its bundle has one copy of each package: none of those in it is loaded once more', () => {
  const again =
    /node_modules\/(@nestjs|typeorm|class-validator|class-transformer|reflect-metadata|rxjs)\//;
  expect(required.filter((file) => again.test(file))).toEqual([]);
  // What stays outside is known by the same list.
  expect(required.some((file) => /node_modules\/pg\//.test(file))).toBe(true);
});
