import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, MODES, mongoUriFor, SETTINGS } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { aForm } from '../support/forms.js';
import { ServerProcess } from '../support/server-process.js';
import { collectionsWith, columnsWith } from '../support/word-places.js';
import { runFsck, violationsOf } from './fsck.js';
import { stopwatch } from '../support/machine-clock.js';

/** Nobody says this by chance. */
const aWord = (): string => `zq${randomUUID().replace(/[^a-f]/g, '')}xylo`;
/** What is finished by the relay and by jobs, on a busy machine. */
const GONE_MS = 60_000;

describe.each(MODES)('kill -9 of the instance that redacts, words in %s', (mode) => {
  let cwd: string;
  let databaseUrl: string;
  let env: Record<string, string>;
  /** The other instance, which lives on. */
  let second: ServerProcess;
  const started: ServerProcess[] = [];
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'banyan-redaction-'));
    databaseUrl = await createDatabase();
    env = {
      ...SETTINGS,
      DATABASE_URL: databaseUrl,
      JOURNAL_RETENTION_SECONDS: '1',
      ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(databaseUrl) }),
    };
    second = await aServer();
  });
  afterAll(async () => {
    for (const server of started) server.kill();
    await rm(cwd, { recursive: true, force: true });
  });

  const aServer = async (more: Record<string, string> = {}): Promise<ServerProcess> => {
    started.push(await ServerProcess.ready({ cwd, env: { ...env, ...more } }));
    return started.at(-1)!;
  };

  it.each([
    ['before', 'complete'],
    ['after', 'redacted'],
  ])(
    '%s its commit leaves the pair %s, and asked for again all of it is gone, its file too',
    async (side, status) => {
      const word = aWord();
      const first = await aServer({ FAILPOINT: `redaction.${side}_commit` });
      const ann = await TestClient.register(first.url);
      const { id } = await ann.aChat();
      const file = await ann.request('POST', '/api/v1/files', aForm({ bytes: `file ${word}` }));
      const fileId: string = file.body.file_id;
      const pair = await ann.post(`/chats/${id}/messages`, {
        question_parts: [
          { type: 'text', text: word },
          { type: 'file', file_id: fileId, media_type: 'text/plain' },
        ],
        response: word,
      });
      const path = `/chats/${id}/messages/${pair.body.response_id}`;
      // Its answer is never sent: nobody was told that it is done.
      await expect(ann.delete(path)).rejects.toThrow();
      expect(await first.exit()).toBeNull();

      const again = ann.at(second.url);
      const found: Answer = await again.get(path);
      expect(found.body.status).toBe(status);
      if (side === 'before') {
        expect(found.body.question).toBe(word);
        expect((await again.get(`/files/${fileId}`)).status).toBe(200);
      }
      expect((await again.delete(path)).status).toBe(204);
      expect((await again.get(path)).body).toMatchObject({ status: 'redacted', question: null });
      expect((await again.get(`/files/${fileId}`)).status).toBe(404);

      const left = async (): Promise<string[]> => [
        ...(await columnsWith(databaseUrl, word)),
        ...(mode === 'mongo'
          ? (await collectionsWith(mongoUriFor(databaseUrl), word)).found
          : []
        ).filter((name) => !name.startsWith('files.')),
      ];
      // The bytes of the file are taken out by a job, a minute after they are due.
      const withoutBytes = async (): Promise<string[]> =>
        (await left()).filter((place) => !place.startsWith('file_chunks.'));
      for (const ran = stopwatch(); (await withoutBytes()).length > 0; await sleep(100))
        if (ran() > GONE_MS) break;
      expect(await withoutBytes()).toEqual([]);
    },
  );

  it('leaves both stores of one mind', async () => {
    expect(violationsOf(await runFsck(env, '--json'))).toEqual({});
  });
});
