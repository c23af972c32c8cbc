import { Client } from 'pg';
import { startTestApp, type TestApp } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';

describe('a statement that PostgreSQL gives up is told as what it is, not as a store that is away (S5)', () => {
  let server: TestApp;
  let ann: TestClient;
  let other: Client;
  let chat: { id: string; pairs: string[] };

  beforeAll(async () => {
    server = await startTestApp('postgres', { LOG_LEVEL: 'silent' });
    ann = await TestClient.register(server.url);
    chat = await ann.aChat(1);
    other = new Client({ connectionString: server.databaseUrl });
    await other.connect();
  });
  afterAll(async () => {
    await other.end();
    await server.close();
  });

  const toldAs = ({ status, body, headers }: Answer): unknown[] => [
    status,
    body.code,
    Number(headers.get('retry-after')) > 0,
  ];

  const changes = (): Promise<Answer>[] => [
    ann.patch(`/chats/${chat.id}`, { name: 'x' }),
    ann.post(`/chats/${chat.id}/branches`, { response_id: chat.pairs[0], activate: true }),
    ann.delete(`/chats/${chat.id}`),
  ];

  it('one that waited too long for others is resource_busy, for those behind it too', async () => {
    await other.query('BEGIN');
    await other.query('SELECT FROM chats WHERE chat_id = $1 FOR UPDATE', [chat.id]);
    const answers = await Promise.all(changes());
    await other.query('ROLLBACK');
    expect(answers.map(toldAs)).toEqual(answers.map(() => [503, 'resource_busy', true]));
    expect((await ann.request('GET', '/readyz')).status).toBe(200);
  });

  it('one that ran too long is took_too_long; nothing was changed', async () => {
    const second = await ann.aChat();
    await other.query(`
      CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(10); RETURN NEW; END $$;
      CREATE TRIGGER linger BEFORE UPDATE ON conversations FOR EACH ROW EXECUTE FUNCTION linger()`);
    const answers = await Promise.all([
      ann.post(`/chats/${chat.id}/messages`, { question: 'q', response: 'a' }),
      ann.patch(`/chats/${second.id}`, { name: 'x' }),
    ]);
    await other.query('DROP TRIGGER linger ON conversations');
    expect(answers.map(toldAs)).toEqual(answers.map(() => [503, 'took_too_long', true]));
    expect(await ann.questionsOf(chat.id)).toEqual(['q1']);
  });
});
