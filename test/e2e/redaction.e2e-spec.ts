import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  COLLECTIONS,
  COUNTS,
  FILE_PLACES,
  PAIR_PLACES,
  PLACES,
  WITHOUT_WORDS,
} from '../../src/content/places.js';
import { Relay } from '../../src/content/relay.js';
import { RedactionsJob } from '../../src/modules/maintenance/redactions.job.js';
import { runFsck, violationsOf } from '../crash/fsck.js';
import {
  type Mode,
  MODES,
  mongoUriFor,
  SETTINGS,
  startTestApp,
  type TestApp,
  withClient,
} from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { collectionsWith, columnsWith, textColumns } from '../support/word-places.js';

const never = new AbortController().signal;
/** Nobody says this by chance, and no text search makes another word of it. */
const aWord = (): string => `zq${randomUUID().replace(/[^a-f]/g, '')}xylo`;

describe.each(MODES)('a redaction, words in %s', (mode: Mode) => {
  let provider: FakeProvider;
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    server = await startTestApp(mode, provider.settings());
    ann = await TestClient.register(server.url);
  });
  afterEach(() => provider.reset());
  afterAll(async () => {
    await server.close();
    await provider.close();
  });

  const sql = (text: string, values: unknown[] = []) =>
    withClient(server.databaseUrl, async (client) => (await client.query(text, values)).rows);
  const messageOf = async (chatId: string, responseId: string) =>
    (await ann.get(`/chats/${chatId}/messages/${responseId}`)).body;
  const redact = (chatId: string, responseId: string, person = ann) =>
    person.delete(`/chats/${chatId}/messages/${responseId}`);
  const stateOf = async (chatId: string) => (await ann.get(`/chats/${chatId}`)).headers.get('etag');
  /** All that waits for MongoDB is there, and what came late is looked for. */
  const settle = async () => {
    await server.app.get(Relay, { strict: false }).drain();
    await server.app.get(RedactionsJob, { strict: false }).run(never);
  };

  it('keeps place, time, model and usage of the pair, and nothing else, in every branch that sees it', async () => {
    const { id } = await ann.aChat(1);
    const { body: said } = await ann.post(`/chats/${id}/messages`, {
      question: 'Where?',
      author: 'Ada',
    });
    await ann.append(id, 'q3');
    const branch = await ann.aBranch(id, said.response_id);
    const deeper = await ann.aBranch(branch, said.response_id);
    const apart = await ann.aBranch(id, null);
    const chats = [id, branch, deeper];
    const before = await Promise.all(chats.map(stateOf));
    expect((await redact(deeper, said.response_id)).status).toBe(204);
    const { seq, timestamp, model, usage } = said;
    const left = {
      ...{ response_id: said.response_id, chat_id: id, seq, timestamp, model, usage },
      ...{ question: null, response: null, metadata: null, author: null },
      ...{ status: 'redacted', message_type: 'text', version: said.version + 1 },
    };
    expect(usage.output_tokens).toBeGreaterThan(0);
    for (const chatId of chats) {
      const { body } = await ann.get(`/chats/${chatId}/messages`);
      expect(body.qa_pairs[1]).toMatchObject(left);
      expect((await ann.get(`/chats/${chatId}`)).body.content.qa_pairs[1]).toMatchObject(left);
    }
    const after = await Promise.all(chats.map(stateOf));
    expect(after.filter((etag, i) => etag === before[i])).toEqual([]);
    expect((await ann.get(`/chats/${apart}/messages`)).body.qa_pairs).toEqual([]);
    expect((await messageOf(id, said.response_id)).branches).toHaveLength(2);
  });

  it('is told by an event with the pair as it is now, once, and done again changes nothing', async () => {
    const { id, pairs } = await ann.aChat(2);
    await redact(id, pairs[0]!);
    const state = await stateOf(id);
    expect((await redact(id, pairs[0]!)).status).toBe(204);
    expect(await stateOf(id)).toBe(state);
    const stream = await fetch(`${server.url}/api/v1/events?chat_id=${id}&since=0`, {
      headers: { authorization: `Bearer ${ann.token}` },
    });
    let text = '';
    for await (const chunk of stream.body!) {
      text += Buffer.from(chunk).toString();
      if (text.includes('message.redacted')) break;
    }
    const [, json] = /event: message\.redacted\ndata: (.*)\n/.exec(text)!;
    expect(JSON.parse(json!).data).toMatchObject({ response_id: pairs[0], status: 'redacted' });
    expect(text).not.toMatch(/"question":"q1"/);
    const events = await sql(
      `SELECT FROM events WHERE type = 'message.redacted' AND root_chat_id = $1`,
      [id],
    );
    expect(events).toHaveLength(1);
  });

  it('of a pair of another account, of none, and of one that the chat does not see is the same 404', async () => {
    const { id, pairs } = await ann.aChat(2);
    const branch = await ann.aBranch(id, pairs[0]!);
    const bob = await TestClient.register(server.url);
    expect((await redact(id, pairs[0]!, bob)).body).toMatchObject({
      status: 404,
      code: 'chat_not_found',
    });
    const unseen = await Promise.all([redact(branch, pairs[1]!), redact(id, randomUUID())]);
    expect(unseen.map(({ body }) => body.code)).toEqual(['message_not_found', 'message_not_found']);
    expect((await messageOf(id, pairs[0]!)).question).toBe('q1');
    expect((await redact(id, 'nonsense')).status).toBe(422);
  });

  it('is refused where the chat, or what branches at the pair, is not as it was read', async () => {
    const { id, pairs } = await ann.aChat(1);
    const pair = `/chats/${id}/messages/${pairs[0]}`;
    const tagOf = async (path: string) => (await ann.get(path)).headers.get('etag')!;
    const erase = (tag: string) =>
      ann.request('DELETE', `/api/v1${pair}`, { headers: { 'if-match': tag } });
    const read = [await tagOf(`/chats/${id}`), await tagOf(pair)];
    await ann.append(id, 'another');
    for (const tag of [...read, '"nonsense"'])
      expect(await erase(tag)).toMatchObject({ status: 412, body: { code: 'revision_stale' } });
    expect((await ann.get(pair)).body.question).toBe('q1');
    expect((await erase(await tagOf(pair))).status).toBe(204);
    expect((await erase(await tagOf(`/chats/${id}`))).status).toBe(204);
    expect((await ann.get(pair)).body.status).toBe('redacted');
  });

  it('leaves no trace of the words in any column of any table, nor in any collection', async () => {
    const word = aWord();
    const words = `Tell me of ${word}`;
    provider.always({ tokens: [`It is ${word}, `, 'nothing else.'] });
    await ann.post('/webhooks', { url: 'https://receiver.invalid' });
    const { id } = await ann.aChat();
    const keyed = { 'idempotency-key': randomUUID() };
    const { body: pair } = await ann.post(
      `/chats/${id}/messages`,
      {
        question: words,
        author: word,
        message_type: 'link',
        metadata: { url: `https://${word}.org/` },
      },
      keyed,
    );
    expect((await ann.get(`/chats/${id}`)).body.name).toContain(word);
    const restored = { 'idempotency-key': randomUUID() };
    await ann.post(`/chats/${id}/restore`, {}, restored);
    const branch = await ann.aBranch(id, pair.response_id);
    // A model that quotes, a provider that says too much, and an answer for a key that came late.
    await sql(`INSERT INTO summary_highlights VALUES ($1, $2, 1, $3, 'm')`, [
      ...[ann.accountId, branch],
      JSON.stringify([{ response_id: pair.response_id, quote: words }]),
    ]);
    await sql(`UPDATE messages SET error = $2 WHERE response_id = $1`, [
      ...[pair.response_id, JSON.stringify({ code: 'x', message: words })],
    ]);
    await sql(
      `INSERT INTO generation_chunks SELECT account_id, generation_id, 9, '{1}', $2 FROM generations WHERE response_id = $1`,
      [pair.response_id, words],
    );
    await ann.get(`/chats/${id}/summary`);
    await server.app.get(Relay, { strict: false }).drain();
    const planted = await columnsWith(server.databaseUrl, word);
    // It is found behind the append, so perhaps not yet.
    expect(planted.filter((name) => name !== 'message_search.words')).toEqual(
      [
        ...[
          'chats.name',
          'conversations.name',
          'generation_chunks.text',
          'idempotency_keys.answer',
        ],
        ...['messages.author', 'messages.error', 'summary_highlights.highlights'],
        mode === 'mongo' ? 'content_journal.body' : 'chat_contents.body',
      ].sort(),
    );

    expect((await redact(branch, pair.response_id)).status).toBe(204);
    expect(await columnsWith(server.databaseUrl, word)).toEqual([]);
    if (mode === 'mongo') {
      const { all, found } = await collectionsWith(mongoUriFor(server.databaseUrl), word);
      expect(found).toEqual([]);
      expect(all.filter((name) => !(name in COLLECTIONS))).toEqual([]);
    }
    const again = await ann.post(
      `/chats/${id}/messages`,
      {
        question: words,
        author: word,
        message_type: 'link',
        metadata: { url: `https://${word}.org/` },
      },
      keyed,
    );
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
    expect(again.body).toEqual(withoutSiblings(await messageOf(id, pair.response_id)));
    const refused = await ann.post(`/chats/${id}/restore`, {}, restored);
    expect([refused.status, refused.body.code]).toEqual([409, 'message_redacted']);
    for (const path of [`/chats/${id}`, `/chats/${branch}/summary`, `/chats?q=${word}`])
      expect((await ann.get(path)).text.replace(`q=${word}`, '')).not.toContain(word);
  });

  it('takes what comes late too: a quote and an answer that were made of the words before', async () => {
    const word = aWord();
    const { id } = await ann.aChat();
    const pair = await ann.append(id, word);
    await ann.append(id, 'of something else');
    await redact(id, pair);
    await sql(`INSERT INTO summary_highlights VALUES ($1, $2, 1, $3, 'm')`, [
      ...[ann.accountId, id, JSON.stringify([{ response_id: pair, quote: word }])],
    ]);
    await sql(`INSERT INTO idempotency_keys VALUES ($1, 'POST x', 'k', 'x', 201, $2, now())`, [
      ann.accountId,
      JSON.stringify({ items: [{ response_id: pair, question: word }] }),
    ]);
    await settle();
    expect(await columnsWith(server.databaseUrl, word)).toEqual([]);
    await sql(`UPDATE redactions SET redacted_at = now() - interval '2 h' WHERE response_id = $1`, [
      pair,
    ]);
    await settle();
    expect(await sql('SELECT FROM redactions WHERE response_id = $1', [pair])).toEqual([]);
  });

  it('ends an answer that is being written first, and leaves the chat free', async () => {
    const word = aWord();
    provider.next({ tokens: [word, ` ${word}`, ' and more'], gateAfter: 2 });
    const { id } = await ann.aChat();
    const asked = ann.post(`/chats/${id}/messages`, { question: word });
    await provider.untilAsked(1);
    const [{ response_id: pair }] = (await sql(
      'SELECT response_id FROM messages WHERE chat_id = $1',
      [id],
    )) as [any];
    expect((await redact(id, pair)).status).toBe(204);
    expect((await asked).status).toBe(201);
    expect(await messageOf(id, pair)).toMatchObject({
      status: 'redacted',
      question: null,
      response: null,
    });
    expect(await columnsWith(server.databaseUrl, word)).toEqual([]);
    expect((await ann.post(`/chats/${id}/messages`, { question: 'And now?' })).body.status).toBe(
      'complete',
    );
  });

  it('is heard by no model, and what is gone cannot be asked again', async () => {
    const word = aWord();
    const { id } = await ann.aChat(1);
    const pair = await ann.append(id, `q ${word}`, `a ${word}`);
    await redact(id, pair);
    await ann.post(`/chats/${id}/messages`, { question: 'And now?' });
    expect(provider.asked.at(-1)!.body.messages.map(({ content }: any) => content)).toEqual([
      ...['q1', 'a1', 'And now?'],
    ]);
    for (const [verb, body] of [
      ['regenerate', {}],
      ['fan-out', { models: ['fake-1'] }],
    ] as const) {
      const { status, body: problem } = await ann.post(
        `/chats/${id}/messages/${pair}/${verb}`,
        body,
      );
      expect([verb, status, problem.code]).toEqual([verb, 409, 'message_redacted']);
    }
    expect((await ann.post(`/chats/${id}/messages/${pair}/retry`, {})).status).toBe(409);
    const edited = await ann.post(`/chats/${id}/messages/${pair}/edit`, {
      question: 'Other words',
    });
    expect([edited.status, edited.body.question]).toEqual([201, 'Other words']);
    const facade = await ann.request('GET', `/messages?chat_uuid=${id}`);
    expect(facade.body.map(({ text }: any) => text)).toEqual([
      'q1',
      'a1',
      'And now?',
      expect.any(String),
    ]);
  });

  it('keeps a name that a person gave, and leaves nothing for fsck to find', async () => {
    const word = aWord();
    const { id } = await ann.aChat();
    const { body: pair } = await ann.post(`/chats/${id}/messages`, { question: word });
    await ann.patch(`/chats/${id}`, { name: 'Mine' });
    await redact(id, pair.response_id);
    expect((await ann.get(`/chats/${id}`)).body.name).toBe('Mine');
    await settle();
    const env = {
      ...SETTINGS,
      DATABASE_URL: server.databaseUrl,
      ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(server.databaseUrl) }),
    };
    const run = await runFsck(env, '--json');
    expect(violationsOf(run)).toEqual({});
    expect(run.report.invariants.find((one: any) => one.id === 'I18').checked).toEqual({
      'redacted pairs': Number(
        (await sql(`SELECT count(*) FROM messages WHERE status = 'redacted'`))[0].count,
      ),
    });
  });
});

const withoutSiblings = ({ siblings: _siblings, ...pair }: any) => pair;

describe('the list of places where words are', () => {
  it('has every column that can hold text, or says why it holds no words of a pair', async () => {
    const server = await startTestApp();
    const columns = await textColumns(server.databaseUrl);
    await server.close();
    const listed = [...PLACES, ...COUNTS, ...PAIR_PLACES, ...FILE_PLACES].flatMap(
      ({ table, columns: names }) => names.map((name) => `${table}.${name}`),
    );
    const reasoned = Object.keys(WITHOUT_WORDS);
    expect(columns.filter((name) => !listed.includes(name) && !reasoned.includes(name))).toEqual(
      [],
    );
    expect(reasoned.filter((name) => !columns.includes(name) || listed.includes(name))).toEqual([]);
  });
});
