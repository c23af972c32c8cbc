import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { aForm, PNG } from '../support/forms.js';

describe.each(MODES)('files that pairs name, with the words in %s', (mode) => {
  let server: TestApp;
  let ann: TestClient;
  beforeAll(async () => {
    server = await startTestApp(mode);
    ann = await TestClient.register(server.url);
  });
  afterAll(() => server.close());

  const aFile = async (bytes: Buffer | string = PNG, who = ann): Promise<string> =>
    (await who.request('POST', '/api/v1/files', aForm({ name: 'dot.png', bytes }))).body.file_id;
  const sql = (text: string, values: unknown[]): Promise<any[]> =>
    withClient(server.databaseUrl, async (client) => (await client.query(text, values)).rows);
  /** As every route does it; routes differ in how they read parts. */
  const ask = async (chatId: string, question_parts: object): Promise<any> => {
    const { AppendService } = await import('../../src/modules/message/append.service.js');
    const outcome = await server.app.get(AppendService, { strict: false }).commit({
      accountId: ann.accountId,
      drafts: [{ said: { question_parts: question_parts as [] }, response: 'A dot.' }],
      to: { chatId },
      key: null,
    });
    return JSON.parse(outcome!.json);
  };
  const shown = (fileId: string, more: object = {}): object => ({
    type: 'file',
    file_id: fileId,
    media_type: 'image/png',
    ...more,
  });
  const job = async (name: 'FilesJob' | 'LeftoversJob'): Promise<void> => {
    const jobs = await import('../../src/modules/maintenance/files.jobs.js');
    await server.app.get<any>(jobs[name], { strict: false }).run(new AbortController().signal);
  };

  it('are completed with what is known of them, and numbers beside them keep their digits', async () => {
    const [chat, file] = [await ann.aChat(), await aFile()];
    const question_parts = [
      { type: 'text', text: 'What is this?' },
      shown(file, { media_type: 'image/jpeg', detail: 'low' }),
    ];
    const { rememberDigits } = await import('../../src/common/exact-json.js');
    const data = '{"type":"data","name":"n","value":{"big":1546130668394913822}}';
    const text = JSON.stringify(question_parts).replace(/]$/, `,${data}]`);
    const parts = JSON.parse(text) as object;
    rememberDigits(parts, text);
    const made = await ask(chat.id, parts);
    expect(made.question_parts[1]).toEqual({
      type: 'file',
      file_id: file,
      media_type: 'image/png',
      detail: 'low',
      name: 'dot.png',
      bytes: PNG.length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const read = await ann.get(`/chats/${chat.id}/messages/${made.response_id}`);
    expect(read.body.question_parts).toEqual(made.question_parts);
    expect(read.text).toContain('1546130668394913822');
  });

  it('that are unknown, foreign, or no picture are refused by the part that names them, and nothing is stored', async () => {
    const chat = await ann.aChat();
    const bob = await TestClient.register(server.url);
    const [foreign, text] = [await aFile(PNG, bob), await aFile('no picture')];
    const parts = (file: string): object[] => [{ type: 'text', text: 'Look' }, shown(file)];
    for (const [file, field] of [
      [randomUUID(), 'file_id'],
      [foreign, 'file_id'],
      [text, 'media_type'],
    ] as const) {
      await expect(ask(chat.id, parts(file))).rejects.toMatchObject({
        kind: { status: 422 },
        details: { errors: [{ path: `question_parts.1.${field}` }] },
      });
    }
    expect(await ann.questionsOf(chat.id)).toEqual([]);
    expect(
      await sql('SELECT FROM file_references WHERE file_id = ANY ($1)', [[foreign, text]]),
    ).toEqual([]);
  });

  it('are refused where a part says of their bytes what is not so, and taken where it is', async () => {
    const chat = await ann.aChat();
    const hash = (await ann.get(`/files/${await aFile()}`)).body.sha256;
    const inline = { url: `data:image/png;base64,${PNG.toString('base64')}` };
    for (const file of [{ file_id: await aFile() }, inline]) {
      const say = (claims: object) =>
        ann.post(`/chats/${chat.id}/messages`, {
          question_parts: [{ type: 'file', media_type: 'image/png', ...file, ...claims }],
          response: null,
        });
      for (const [field, claim] of [
        ['media_type', 'text/plain'],
        ['bytes', PNG.length + 1],
        ['sha256', '0'.repeat(64)],
      ] as const)
        expect(await say({ [field]: claim })).toMatchObject({
          status: 422,
          body: { errors: [{ path: `question_parts.0.${field}` }] },
        });
      expect(await say({ bytes: PNG.length, sha256: hash })).toMatchObject({ status: 201 });
    }
  });

  it('are not deleted while a pair names them, and a branch shares them', async () => {
    const [chat, file] = [await ann.aChat(), await aFile()];
    const pair = await ask(chat.id, [shown(file)]);
    await ann.aBranch(chat.id, pair.response_id);
    const refused = await ann.delete(`/files/${file}`);
    expect([refused.status, refused.body.code]).toEqual([409, 'file_in_use']);
    expect(await sql('SELECT FROM file_references WHERE file_id = $1', [file])).toHaveLength(1);
  });

  it('go with a pair that is redacted, unless another one names them', async () => {
    const [chat, alone, shared] = [await ann.aChat(), await aFile('alone'), await aFile('shared')];
    const named = (file: string): object => shown(file, { media_type: 'text/plain' });
    const first = await ask(chat.id, [named(alone), named(shared)]);
    await ask(chat.id, [named(shared)]);
    const redacted = await ann.delete(`/chats/${chat.id}/messages/${first.response_id}`);
    expect(redacted.status).toBeLessThan(300);
    expect((await ann.get(`/files/${alone}`)).status).toBe(404);
    expect((await ann.get(`/files/${shared}`)).status).toBe(200);
    await sql(`UPDATE file_leftovers SET due_at = now() - interval '1 hour'`, []);
    await job('LeftoversJob');
    expect(await sql('SELECT FROM file_leftovers', [])).toEqual([]);
    const kept = `SELECT FROM file_chunks c WHERE NOT EXISTS (SELECT FROM file_blobs b WHERE b.blob_id = c.blob_id)`;
    expect(await sql(kept, [])).toEqual([]);
  });

  it('that were taken out of requests go a day after, where no pair names them; others stay', async () => {
    const { Files } = await import('../../src/modules/file/files.service.js');
    const files = server.app.get(Files, { strict: false });
    const url = `data:image/png;base64,${PNG.toString('base64')}`;
    const [named, loose] = [
      await files.keepDataUrl(ann.accountId, url),
      await files.keepDataUrl(ann.accountId, url),
    ];
    const sent = await aFile();
    const chat = await ann.aChat();
    await ask(chat.id, [shown(named.file_id)]);
    await job('FilesJob');
    expect((await ann.get(`/files/${loose.file_id}`)).status).toBe(200);
    await sql(
      `UPDATE files SET loose_since = now() - interval '25 h' WHERE loose_since IS NOT NULL`,
      [],
    );
    await job('FilesJob');
    const status = async (id: string): Promise<number> => (await ann.get(`/files/${id}`)).status;
    expect([await status(named.file_id), await status(loose.file_id), await status(sent)]).toEqual([
      200, 404, 200,
    ]);
  });

  it('are let go when their chat is purged: those that were taken out of it are gone', async () => {
    const { Files } = await import('../../src/modules/file/files.service.js');
    const { PurgeJob } = await import('../../src/modules/maintenance/purge.job.js');
    const files = server.app.get(Files, { strict: false });
    const taken = await files.keepDataUrl(ann.accountId, 'data:,some%20words');
    const sent = await aFile('other words');
    const chat = await ann.aChat();
    const named = (file: string): object => shown(file, { media_type: 'text/plain' });
    await ask(chat.id, [named(taken.file_id), named(sent)]);
    await ann.delete(`/chats/${chat.id}`);
    await sql(`UPDATE chats SET deleted_at = now() - interval '31 days' WHERE chat_id = $1`, [
      chat.id,
    ]);
    await server.app.get(PurgeJob, { strict: false }).run(new AbortController().signal);
    await job('FilesJob');
    expect((await ann.get(`/files/${taken.file_id}`)).status).toBe(404);
    expect((await ann.get(`/files/${sent}`)).status).toBe(200);
    expect((await ann.delete(`/files/${sent}`)).status).toBe(204);
  });
});
