import { Client } from 'pg';
import { MODES, startTestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';
import { until } from '../support/machine-clock.js';

interface Hit {
  response_id: string;
  chat_id: string;
  seq: number;
  root_chat_id: string;
  name: string | null;
  highlight: Record<string, { text: string; ranges: [number, number][] } | undefined>;
  path: string[];
  visible_in: string[];
  timestamp: string;
}

/** The pair $2 becomes $3, older than all, and 200 erased ones of the chat $4 come after it. */
const AGED = `
  WITH erased AS (
    INSERT INTO messages (account_id, response_id, root_chat_id, chat_id, seq, status, bytes, sha256, created_at)
    SELECT $1, gen_random_uuid(), $4, $4, n, 'redacted', 0, '', now() FROM generate_series(2, 201) n
  )
  UPDATE messages SET response_id = $3 WHERE account_id = $1 AND response_id = $2`;

describe.each(MODES)('what was said is found, words in %s', (mode) => {
  let server: SharedServer;
  let database: Client;
  let ann: TestClient;

  beforeAll(async () => {
    server = await sharedServer(mode);
    database = new Client({ connectionString: server.databaseUrl });
    await database.connect();
  });
  beforeEach(async () => {
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await database.end();
    await server.close();
  });

  const get = (asked: Record<string, string>, as = ann) =>
    as.get(`/search?${new URLSearchParams(asked).toString()}`);
  const hitsOf = async (q: string, asked: Record<string, string> = {}): Promise<Hit[]> => {
    const { status, body, text } = await get({ q, ...asked });
    if (status !== 200) throw new Error(`search answered ${status}: ${text}`);
    return body.items;
  };
  const idsOf = async (q: string, asked: Record<string, string> = {}): Promise<string[]> =>
    (await hitsOf(q, asked)).map((hit) => hit.response_id);
  const marked = ({ highlight }: Hit): Record<string, string[]> =>
    Object.fromEntries(
      Object.entries(highlight).map(([side, excerpt]) => [
        side,
        excerpt!.ranges.map(([from, to]) => excerpt!.text.slice(from, to)),
      ]),
    );

  it('a hit says where the pair is, what of it was found, and who sees it', async () => {
    const chat = await ann.aChat(0, { name: 'Norway' });
    const id = await ann.append(
      chat.id,
      'Where does the midnight sun begin?',
      'At the Arctic Circle. The <b>midnight sun</b> is seen there.',
    );
    const {
      body: { timestamp },
    } = await ann.get(`/chats/${chat.id}/messages/${id}`);

    const { body } = await get({ q: 'Midnight' });

    expect(body).toEqual({
      items: [
        {
          response_id: id,
          chat_id: chat.id,
          seq: 1,
          root_chat_id: chat.id,
          name: 'Norway',
          highlight: {
            question: { text: 'Where does the midnight sun begin?', ranges: [[15, 23]] },
            response: {
              text: 'At the Arctic Circle. The <b>midnight sun</b> is seen there.',
              ranges: [[29, 37]],
            },
          },
          path: [chat.id],
          visible_in: [chat.id],
          timestamp,
        },
      ],
      next_cursor: null,
    });
  });

  it.each([
    ['a word, in any case and without its accents', 'uber', 'Über den Wolken', ['Über']],
    ['all words, wherever they are', 'wolken uber', 'Über den Wolken', ['Über', 'Wolken']],
    ['a phrase', '"den wolken"', 'Über den Wolken', ['den Wolken']],
    ['a beginning', 'wolk*', 'Über den Wolken', ['Wolken']],
    ['one of two', 'regen OR wolken', 'Über den Wolken', ['Wolken']],
    ['an identifier as it is', 'getUserById', 'call getUserById(7)', ['getUserById']],
    ['an identifier in small letters', 'getuserbyid', 'call getUserById(7)', ['getUserById']],
    ['a part of an identifier', 'user', 'call getUserById(7)', ['User']],
    ['an identifier written otherwise', 'max_tokens', 'set maxTokens: 5', ['maxTokens']],
    [
      'an address',
      'https://example.com/a/b',
      'see https://example.com/a/b?c=1',
      ['https://example.com/a/b'],
    ],
    ['a language', 'C++', 'C++ and C#', ['C++']],
    ['Chinese', '北京大学', '我在北京大学读书', ['北京大学']],
    ['one character', '学', '我在北京大学读书', ['学']],
    ['Japanese', 'カタカナ', '日本語のカタカナです', ['カタカナ']],
    ['Korean with an ending', '한국', '한국어를 배워요', ['한국']],
    ['a joined word with a soft hyphen', 'cooperate', 'co\u00adoperate', ['co\u00adoperate']],
  ])('by %s', async (_what, q, text, found) => {
    const { id } = await ann.aChat();
    const pair = await ann.append(id, text, null);
    await ann.append(id, 'something else', null);

    const hits = await hitsOf(q);

    expect(hits.map((hit) => hit.response_id)).toEqual([pair]);
    expect(marked(hits[0]!).question!.join('')).toContain(found.join(''));
  });

  it('not by words that may not be in it, nor by words in another order than a phrase', async () => {
    const { id } = await ann.aChat();
    const tea = await ann.append(id, 'green tea', null);
    await ann.append(id, 'green coffee', null);

    expect(await idsOf('green -coffee')).toEqual([tea]);
    expect(await idsOf('green -"green coffee"')).toEqual([tea]);
    expect(await idsOf('"tea green"')).toEqual([]);
  });

  it('by side, kind and time', async () => {
    const { id } = await ann.aChat();
    const asked = await ann.append(id, 'fjord', 'deep');
    const said = await ann.append(id, 'what is deep?', 'a fjord');
    const { body: code } = await ann.post(`/chats/${id}/messages`, {
      question: 'fjord()',
      response: null,
      message_type: 'code',
      metadata: { language: 'ts' },
    });
    const { body: pair } = await ann.get(`/chats/${id}/messages/${said}`);
    const newest = { sort: 'newest' };

    expect(await idsOf('fjord', newest)).toEqual([code.response_id, said, asked]);
    expect(await idsOf('fjord', { ...newest, side: 'question' })).toEqual([
      code.response_id,
      asked,
    ]);
    expect(await idsOf('fjord', { side: 'response' })).toEqual([said]);
    expect(await idsOf('fjord', { type: 'code' })).toEqual([code.response_id]);
    expect(await idsOf('fjord', { from: pair.timestamp, to: pair.timestamp })).toEqual([said]);
    expect(await idsOf('fjord', { to: '2001-01-01' })).toEqual([]);
    expect(await idsOf('fjord', { from: '2001-01-01', to: '9999-12-31', ...newest })).toHaveLength(
      3,
    );
  });

  it('an inherited pair once, with the branches that see it, and within a branch what that one sees', async () => {
    const { id, pairs } = await ann.aChat(0);
    void pairs;
    const first = await ann.append(id, 'shared glacier', null);
    const second = await ann.append(id, 'later glacier', null);
    const branch = await ann.aBranch(id, first);
    const own = await ann.append(branch, 'other glacier', null);
    const deep = await ann.aBranch(branch, own);
    const elsewhere = await ann.aChat();
    const apart = await ann.append(elsewhere.id, 'foreign glacier', null);

    const hits = await hitsOf('glacier', { sort: 'newest' });

    expect(
      hits.map(({ response_id, chat_id, path, visible_in }) => [
        response_id,
        chat_id,
        path,
        visible_in,
      ]),
    ).toEqual([
      [apart, elsewhere.id, [elsewhere.id], [elsewhere.id]],
      [own, branch, [id, branch], [branch, deep]],
      [second, id, [id], [id]],
      [first, id, [id], [id, branch, deep]],
    ]);
    expect(await idsOf('glacier', { sort: 'newest', chat_id: branch })).toEqual([own, first]);
    expect(await idsOf('glacier', { sort: 'newest', chat_id: id })).toEqual([second, first]);
    expect(
      await idsOf('glacier', { sort: 'newest', chat_id: branch, scope: 'conversation' }),
    ).toEqual([own, second, first]);
  });

  it('not in what is deleted, but in what a living branch still sees of it, and again when it is back', async () => {
    const { id } = await ann.aChat();
    const branch = await ann.aBranch(id, null);
    const seen = await ann.append(branch, 'lemming one', null);
    const unseen = await ann.append(branch, 'lemming two', null);
    const heir = await ann.aBranch(branch, seen);

    await ann.delete(`/chats/${branch}`);

    const [hit, ...others] = await hitsOf('lemming');
    expect(others).toEqual([]);
    expect(hit).toMatchObject({ response_id: seen, visible_in: [heir] });
    expect((await get({ q: 'lemming', chat_id: branch })).status).toBe(404);

    await ann.delete(`/chats/${id}`);
    expect(await idsOf('lemming')).toEqual([]);
    await ann.post(`/chats/${id}/restore`);
    await ann.post(`/chats/${branch}/restore`);
    expect((await idsOf('lemming')).sort()).toEqual([seen, unseen].sort());
  });

  it('not in what is redacted, nor anywhere in the index', async () => {
    const { id } = await ann.aChat();
    const pair = await ann.append(id, 'redacted gyrfalcon', null);
    const branch = await ann.aBranch(id, pair);
    expect(await idsOf('gyrfalcon', { chat_id: branch })).toEqual([pair]);

    expect((await ann.delete(`/chats/${id}/messages/${pair}`)).status).toBe(204);

    expect(await idsOf('gyrfalcon')).toEqual([]);
    expect(await idsOf('gyrfalcon', { chat_id: branch })).toEqual([]);
    const { rows } = await database.query(
      `SELECT FROM message_search WHERE account_id = $1 AND words::text LIKE '%gyrfalcon%'`,
      [ann.accountId],
    );
    expect(rows).toEqual([]);
  });

  it('not in a temporary conversation whose time is over, also before that is cleared away', async () => {
    const { id } = await ann.aChat(0, { chat_type: 'temporary' });
    const pair = await ann.append(id, 'fleeting dotterel', null);
    expect(await idsOf('dotterel')).toEqual([pair]);
    await database.query(`UPDATE chats SET updated_at = '2001-01-01' WHERE chat_id = $1`, [id]);
    expect(await idsOf('dotterel')).toEqual([]);
  });

  it('the best first: where the words are near each other, and in few words', async () => {
    const { id } = await ann.aChat();
    const near = await ann.append(id, 'snow goose', null);
    const far = await ann.append(id, `snow ${'and '.repeat(40)} goose`, null);

    expect(await idsOf('snow goose')).toEqual([near, far]);
    expect(await idsOf('snow goose', { chat_id: id })).toEqual([near, far]);
    expect(await idsOf('snow goose', { chat_id: id, sort: 'newest' })).toEqual([far, near]);
  });

  it('never in what belongs to another account', async () => {
    const { id } = await ann.aChat();
    await ann.append(id, 'secret walrus', null);
    const bob = await TestClient.register(server.url);

    expect((await get({ q: 'walrus' }, bob)).body.items).toEqual([]);
    const foreign = await get({ q: 'walrus', chat_id: id }, bob);
    expect([foreign.status, foreign.body.code]).toEqual([404, 'chat_not_found']);
  });

  it('by the words of an answer as soon as it has ended, by those of an edit, not by those of before', async () => {
    const { id } = await ann.aChat();
    const { body: asked } = await ann.post(`/chats/${id}/messages`, { question: 'ptarmigan' });
    expect(asked.status).toBe('complete');
    const word = /[a-z]{4,}/.exec(asked.response.toLowerCase())![0];
    expect(await idsOf(word)).toContain(asked.response_id);

    const { body: edited } = await ann.post(`/chats/${id}/messages/${asked.response_id}/edit`, {
      question: 'capercaillie',
      response: 'yes',
    });
    expect(await idsOf('capercaillie')).toEqual([edited.response_id]);
  });

  it('in pages that neither repeat nor skip while others write, the best and the newest first', async () => {
    const { id } = await ann.aChat();
    const all: string[] = [];
    for (let n = 0; n < 7; n++)
      all.push(await ann.append(id, `page ${'puffin '.repeat(1 + (n % 3))}`, `${n}`));
    for (const sort of ['best', 'newest']) {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body, headers } = await get({
          q: 'puffin',
          sort,
          limit: '2',
          ...(cursor && { cursor }),
        });
        seen.push(...body.items.map((hit: Hit) => hit.response_id));
        cursor = body.next_cursor;
        expect(headers.get('link') === null).toBe(cursor === null);
        await ann.append(id, 'puffin meanwhile', null);
      }
      expect(seen.filter((one) => all.includes(one)).sort()).toEqual([...all].sort());
      expect(new Set(seen).size).toBe(seen.length);
    }
    const best = await hitsOf('puffin', { to: '9999-12-31', limit: '3' });
    expect(best).toHaveLength(3);
  });

  it('an account at another instance finds a new pair within two seconds, whoever wrote it', async () => {
    const other = await startTestApp(mode, {}, server.databaseUrl);
    try {
      const { id } = await ann.aChat();
      const pair = await ann.append(id, 'narwhal', null);
      const { body } = await get({ q: 'narwhal' }, ann.at(other.url));
      expect(body.items.map((hit: Hit) => hit.response_id)).toEqual([pair]);
    } finally {
      await other.close();
    }
  });

  it('without anybody searching a pair is made findable, behind its append', async () => {
    const { id } = await ann.aChat();
    const pair = await ann.append(id, 'musk ox', null);
    const found = () =>
      database.query(`SELECT FROM message_search WHERE account_id = $1 AND response_id = $2`, [
        ann.accountId,
        pair,
      ]);
    await until(async () => (await found()).rowCount === 1, 'its words', 2000);
  });

  it('pairs that were there before the index was are found after a search has asked for them', async () => {
    const { id } = await ann.aChat();
    const pair = await ann.append(id, 'old reindeer', null);
    await idsOf('reindeer');
    // The walk that the search has asked for is over: it would bring back what is deleted here.
    const walked = `SELECT FROM search_accounts WHERE account_id = $1 AND walked_to > '00000000-0000-0000-0000-000000000000'`;
    await until(async () => (await database.query(walked, [ann.accountId])).rowCount !== 0);
    // No look at the newest pairs finds it.
    const old = `00000000-0000-7000-8000-${pair.slice(-12)}`;
    for (const table of ['message_search', 'search_accounts'])
      await database.query(`DELETE FROM ${table} WHERE account_id = $1`, [ann.accountId]);
    await database.query(AGED, [ann.accountId, pair, old, id]);
    const stranger = await startTestApp(mode, {}, server.databaseUrl);
    try {
      await until(
        async () =>
          (await get({ q: 'reindeer' }, ann.at(stranger.url))).body.items?.[0]?.response_id === old,
        'the old pair',
        2000,
      );
    } finally {
      await stranger.close();
    }
  });

  it('a query that says nothing, a cursor of another query and too long a query are refused by name', async () => {
    const { id } = await ann.aChat();
    for (let n = 0; n < 3; n++) await ann.append(id, 'eider', null);
    const refused = async (asked: Record<string, string>): Promise<unknown> => {
      const { status, body } = await get(asked);
      return [status, body.errors?.map((error: { path: string }) => error.path)];
    };
    const { body: page } = await get({ q: 'eider', limit: '1' });
    const cursor = page.next_cursor as string;

    for (const q of [
      '%',
      '"',
      '""',
      '-',
      '- -',
      'OR',
      '| & !',
      '-eider',
      '\u200f',
      '()*',
      'x'.repeat(1001),
      '字'.repeat(900),
    ])
      expect([q, await refused({ q })]).toEqual([q, [422, ['q']]]);
    expect(await refused({ q: 'a\u0000b' })).toEqual([422, ['q']]);
    expect(await refused({})).toEqual([422, ['q']]);
    expect(await refused({ q: 'puffin', cursor })).toEqual([422, ['cursor']]);
    expect(await refused({ q: 'eider', cursor, sort: 'newest' })).toEqual([422, ['cursor']]);
    expect(await refused({ q: 'eider', cursor: 'nonsense' })).toEqual([422, ['cursor']]);
    expect(await refused({ q: 'eider', scope: 'conversation' })).toEqual([422, ['scope']]);
    expect(await refused({ q: 'eider', from: 'yesterday' })).toEqual([422, ['from']]);
    expect(await refused({ q: 'eider', limit: '101' })).toEqual([422, ['limit']]);
    expect(await refused({ q: 'eider', colour: 'red' })).toEqual([422, ['colour']]);
    for (const q of [
      "eider' | 'x",
      'eider:*A',
      'eider\\',
      '\u202eeider',
      'eider & (',
      '<eider>',
      "eider'",
    ])
      expect([q, (await get({ q })).status]).toEqual([q, 200]);
  });
});
