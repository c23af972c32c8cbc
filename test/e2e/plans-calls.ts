import { randomUUID } from 'node:crypto';
import { FIRST_UUID } from '../../src/common/ids.js';
import { ContentStore } from '../../src/content/content-store.js';
import { Database, type Statement } from '../../src/database/database.js';
import { Idempotency } from '../../src/database/idempotency.js';
import { COUNT } from '../../src/modules/branch/tree.sql.js';
import * as generations from '../../src/modules/answer/answer.sql.js';
import { RootsService } from '../../src/modules/chat/roots.service.js';
import {
  FIND,
  FIND_IN_BRANCH,
  FIND_REST,
  FIND_REST_IN_BRANCH,
} from '../../src/modules/search/search.sql.js';
import { accountKey } from '../../src/modules/search/search-vector.js';
import { WRITE_MARK } from '../../src/modules/summary/summary-marks.sql.js';
import type { Scene } from './openapi-calls.js';

type Work = (scene: Scene) => Promise<unknown>;

const cursor = (chatId: string, seq: number): string =>
  Buffer.from(`${chatId}|${seq}`).toString('base64url');
const ask =
  (statement: Statement, values: (scene: Scene) => unknown[]): Work =>
  (scene) =>
    scene.server.app.get(Database).query(statement, values(scene));
/** Whatever of an account has a word that few pairs have. */
function findingIn(accountId: string, chatId: string | null): unknown[] {
  const word = `'${accountKey(accountId)}q1'`;
  return [accountId, word, new Date(), FIRST_UUID, null, null, null, chatId, 21, 3600, word];
}
function lastDaysOf(accountId: string): string[] {
  const today = Math.floor(Date.now() / 86_400_000);
  return [today, today - 1].map((day) => `${accountId}/1/${day}`);
}
const seqOf = async ({ ann, chat }: Scene, pair: number): Promise<number> =>
  (await ann.get(`/chats/${chat.id}/messages/${chat.pairs[pair]}`)).body.seq;

/** Whole pages on both sides of the middle of a chat, and around it. */
async function readPages(scene: Scene): Promise<void> {
  const { ann, chat } = scene;
  const middle = await seqOf(scene, 1);
  for (const chatId of [chat.id, scene.branch]) {
    await ann.get(`/chats/${chatId}/messages?limit=50`);
    await ann.get(`/chats/${chatId}/messages?limit=50&siblings=true`);
    await ann.get(`/chats/${chatId}/messages?limit=50&before=${cursor(chatId, middle)}`);
    await ann.get(`/chats/${chatId}/messages?limit=50&after=${cursor(chatId, middle - 2)}`);
    await ann.get(`/chats/${chatId}/messages?limit=50&around=${chat.pairs[0]}`);
  }
}

/** A call and what came of it. */
async function sayResults({ ann, chat }: Scene): Promise<void> {
  const call_id = randomUUID();
  const post = async (body: object): Promise<void> => {
    const { status } = await ann.post(`/chats/${chat.id}/messages`, body);
    if (status !== 201) throw new Error(`a post with parts is a ${status}`);
  };
  await post({
    question: 'Ask a tool',
    response_parts: [{ type: 'tool_call', call_id, name: 'look', input: {} }],
  });
  await post({
    question_parts: [{ type: 'tool_result', call_id, output: 'seen' }],
    response: 'It is so.',
  });
}

/** Posts that wait at the same time and share a statement. */
async function postTogether({ ann, chat }: Scene): Promise<void> {
  const others = await Promise.all(Array.from({ length: 6 }, () => ann.aChat()));
  await Promise.all([chat, ...others].map(({ id }) => ann.append(id, 'together')));
}

/** By an instance that does not know the chat yet. */
async function postAsStranger({ server, ann, chat }: Scene): Promise<void> {
  const { roots } = server.app.get(RootsService) as unknown as { roots: { clear: () => void } };
  roots.clear();
  await ann.append(chat.id, 'who is this?');
}

async function postTwice({ ann, chat }: Scene): Promise<void> {
  const key = { 'idempotency-key': randomUUID() };
  for (let n = 0; n < 2; n++)
    await ann.post(`/chats/${chat.id}/messages`, { question: 'once', response: 'yes' }, key);
}

async function askByKey({ ann, chat }: Scene): Promise<void> {
  const { body } = await ann.post('/auth/api-keys', { name: 'a program' });
  await fetch(`${ann.url}/api/v1/chats/${chat.id}`, {
    headers: { authorization: `Bearer ${body.api_key}` },
  });
}

async function nameByNumber({ ann, chat }: Scene): Promise<void> {
  const { body } = await ann.request('GET', `/messages?chat_uuid=${chat.id}&limit=1`);
  await ann.request('GET', `/last_message/${body[0].chat_id}`);
}

async function goOnFrom({ ann, chat }: Scene): Promise<void> {
  const said = (id: string, role: string, text: string) => ({
    id,
    role,
    parts: [{ type: 'text', text }],
  });
  const messages = [
    said('q', 'user', 'Where?'),
    said(chat.pairs[0]!, 'assistant', 'There.'),
    said('q2', 'user', 'And when?'),
  ];
  await ann.request('POST', '/api/chat', { body: { id: chat.id, messages } });
  await ann.request('GET', '/agui/threads');
  const tree = `/aui/v1/threads/${chat.id}/messages?limit=50`;
  await ann.request('GET', `${tree}&after=${chat.pairs[0]!}`);
}

/** A question of the Assistant Cloud with two answers. */
async function answerTwice({ ann }: Scene): Promise<void> {
  const { id, pairs } = await ann.aChat(1);
  const messages = `/aui/v1/threads/${id}/messages`;
  const content = { role: 'assistant', content: [{ type: 'text', text: 'Or there.' }] };
  const body = { parent_id: `${pairs[0]}-question`, format: 'aui/v0', content };
  await ann.request('POST', messages, { body });
  await ann.request('GET', messages);
}

async function readWords({ server, ann, chat }: Scene): Promise<void> {
  const store = server.app.get(ContentStore);
  const { body } = await ann.get(`/chats/${chat.id}/messages?limit=50`);
  const refs = body.qa_pairs.map(
    ({ response_id: responseId, chat_id: chatId, seq, version }: any) => ({
      ...{ accountId: ann.accountId, rootChatId: chat.id, forkSeq: 0 },
      ...{ responseId, chatId, seq, version },
    }),
  );
  await store.findMany(ann.accountId, chat.id, refs);
}

/** The newest changes of a conversation, as a socket that comes back reads them. */
async function readNews({ server, ann, chat }: Scene): Promise<void> {
  await ann.patch(`/chats/${chat.id}`, { pinned: true });
  const [{ event_seq: seq }] = (await server.app.get(Database).query<{ event_seq: number }>(
    {
      name: 'test.seq',
      text: 'SELECT event_seq FROM conversations WHERE account_id = $1 AND chat_id = $2',
    },
    [ann.accountId, chat.id],
  )) as [{ event_seq: number }];
  const stream = await fetch(`${ann.url}/api/v1/events?chat_id=${chat.id}&since=${seq - 1}`, {
    headers: { authorization: `Bearer ${ann.token}` },
  });
  const frames = stream.body!.getReader();
  for (let text = ''; !text.includes('chat.updated');)
    text += new TextDecoder().decode((await frames.read()).value);
  await frames.cancel();
}

/** Reading by the page, which has its own bound. */
export const PAGES = 'pages of 50';

/** Ways to statements that the good calls of all operations (`openapi-calls.ts`) do not take. */
export const FURTHER: Record<string, Work> = {
  [PAGES]: readPages,
  'posts that share a statement': postTogether,
  'a post to a chat that is not known here': postAsStranger,
  'a post under a key, again': postTwice,
  'chats by what their metadata have': async ({ ann }) =>
    void (await ann.get('/chats?metadata.topic=norway')),
  'conversations that a pair has started': async ({ ann, chat }) =>
    void (await ann.get(`/chats?started_by=${chat.pairs[0]}`)),
  'results of tools': sayResults,
  'a key of a program': askByKey,
  'a chat by its number': nameByNumber,
  'messages of all chats': async ({ ann }) => void (await ann.request('GET', '/messages?limit=50')),
  'a turn after an earlier answer': goOnFrom,
  'a question with two answers': answerTwice,
  'the words of a page by the store': readWords,
  'the newest changes': readNews,
  'an answer that is settled under a key': ({ server, ann, chat }) =>
    server.app
      .get(Idempotency)
      .settle(
        ann.accountId,
        { scope: 'POST /x', key: chat.id, fingerprint: Buffer.of(1), replayed: false },
        'a',
        'b',
      ),
  'an answer by its pair': ask(generations.OF_PAIR, ({ ann, chat }) => [
    ann.accountId,
    chat.pairs[1],
  ]),
  'the question of an answer whose instance is gone': ({ server, ann, chat }) =>
    server.app
      .get(Database)
      .query(generations.questionStatement(server.app.get(ContentStore).table), [
        ann.accountId,
        chat.pairs[1],
      ]),
  'where a pair is': ask(generations.PLACE_OF, ({ ann, chat }) => [ann.accountId, chat.pairs[1]]),
  'the answer that is written in a chat': ask(generations.RUNNING_IN, ({ ann, chat }) => [
    ann.accountId,
    chat.id,
  ]),
  'a search in what a branch sees': async ({ ann, branch }) =>
    void (await ann.get(`/search?q=q1&chat_id=${branch}&limit=1`)),
  // Soon after midnight a search by HTTP looks into no days, as there are few.
  'a search in some days': ask(FIND, ({ ann }) => [
    ...findingIn(ann.accountId!, null),
    lastDaysOf(ann.accountId!),
  ]),
  'the same in some days of what a branch sees': ask(FIND_IN_BRANCH, ({ ann, branch }) => [
    ...findingIn(ann.accountId!, branch),
    lastDaysOf(ann.accountId!),
  ]),
  'a search in all that is left': ask(FIND_REST, ({ ann }) => findingIn(ann.accountId!, null)),
  'the same of what a branch sees': ask(FIND_REST_IN_BRANCH, ({ ann, branch }) =>
    findingIn(ann.accountId!, branch),
  ),
  'the number of branches': ask(COUNT, ({ ann, chat }) => [ann.accountId, chat.id, 0]),
  'a mark of words': ask(WRITE_MARK, ({ ann, chat }) => [
    ann.accountId,
    chat.id,
    3,
    1,
    1,
    [],
    [],
    1,
  ]),
  'a stop': ask(generations.ASK_TO_STOP, ({ ann, chat }) => [ann.accountId, chat.pairs[1]]),
  'pieces of an answer': ask(generations.CHUNKS_OF_PAIR, ({ ann, chat }) => [
    ann.accountId,
    chat.pairs[1],
    randomUUID(),
    0,
  ]),
  'pieces of answers that ended': ask(generations.CHUNKS_OF_ENDED, ({ ann, chat }) => [
    ...[ann.accountId, randomUUID(), [randomUUID()], [0]],
    chat.pairs,
  ]),
};

/**
 * Statements that no request waits for, or that need what is not here, by the beginning of their
 * names, with the reason.
 */
export const ELSEWHERE: Record<string, string> = {
  'file_store.': 'of one file, a piece at a time by key',
  'file.find_': 'of the files that a post names, by key',
  'file.give_up': 'one row by its key, where an upload broke off',
  'openai.history_places': 'of the messages of one request, by hash',
  'openai.note_history_place': 'one row by its key',
  'openai.saved_turns': 'of the pairs that one request may save, by key',
  'search.hits.': 'of the matches of one page, by their keys; P13 of the bench looks at it',
  'account_events.':
    'behind commits, and for accounts that somebody follows alone: a batch at a time by key',
  'auth.take_ticket': 'one row by its key',
  'auth.living': 'every ten seconds, by key, for those who were here since',
  'answer.keep_tokens': 'behind a question: an upsert by the whole key',
  'webhook.list_deliveries': 'of one webhook, a page by its key',
  'content.ping': 'nothing but an answer',
  'content.here': 'once at the start',
  'content.put': 'by fsck and tests: an upsert by the whole key',
  'content.remove_tail': 'by the purge, which takes the newest pairs in batches',
  'database.try_to_write': 'every ten seconds, of a table of its own',
  'events.look': 'each second, for the conversations that somebody watches',
  'answer.write_chunks': 'each quarter of a second, for the answers that this instance writes',
  'answer.abandoned': 'by the sweeper, a batch at a time',
  'answer.forget_ended': 'by the sweeper, a batch at a time',
  'answer.chunks_of_watched': 'for the answers that are being written in watched conversations',
  'journal.': 'of the journal: only what waits for MongoDB, a batch at a time',
  'relay.': 'of the relay: a claim at a time',
  'maintenance.': 'jobs, a batch at a time',
  'summary.find_highlights': 'one row by its key; only where there is a model',
  'summary.keep_highlights': 'one row by its key; only where there is a model',
  'search.read': 'behind an append: the words of 100 pairs by their keys',
  'search.write': 'behind an append: an upsert by the whole key',
  'search.forget': 'behind a redaction, by the whole key',
  'search.news': 'behind an append: the newest events of the conversations that have some',
  'search.next_': 'of a walk through all pairs, a batch at a time',
  'search.open_behind': 'of a walk: at most 1,000 pairs whose answers were under way',
  'search.order': 'of the index, by its name, two seconds behind what was written',
  'search.walked': 'of a walk: one row by its key',
  'transfer.':
    'of imports: one of them by its key, a piece of its file, or a conversation by its source',
  'webhook.claim': 'of the deliverer, a batch at a time',
  'webhook.make_ready': 'of the deliverer, a batch at a time',
  'webhook.settle_': 'of the deliverer, one delivery',
  'webhook.give_': 'of the deliverer, a batch at a time',
  'webhook.find_behind': 'of the outbox, a batch at a time',
  'webhook.read_': 'of the outbox, a batch at a time',
  'webhook.write_deliveries': 'of the outbox, a batch at a time',
};

/**
 * Statements whose page is not of pairs, by the beginning of their names: the pages of files that
 * one of them may touch, with the reason.
 */
export const BATCHES: Record<string, { buffers: number; of: string }> = {
  'message.standings': {
    buffers: 1000,
    of: '50 pairs, their chats and what is beside them by key',
  },
  'first_message.pairs_of_account.': {
    buffers: 1500,
    of: '52 pairs, their chats and words by key',
  },
  'chat_number.by_uuids': { buffers: 300, of: 'the chats of those pairs by key' },
  'realtime.events-after': { buffers: 1000, of: '100 events, their pairs and chats by key' },
  'answer.context': {
    buffers: 40_000,
    of: 'as many pairs as the window of a model has tokens; these pairs have one or two',
  },
  'journal.': { buffers: 1000, of: 'what waits for MongoDB at that moment, a batch at a time' },
  'search.': {
    buffers: 2500,
    of: 'the newest 101 pairs of the account, those of a page that the index of words has, and these by key',
  },
  'append.many.': {
    buffers: 1200,
    of: 'as many pairs as came together, seven or fewer, each held against the others',
  },
  'usage.chat': { buffers: 1000, of: 'a window of 5,000 pairs' },
  'content.find_many': {
    buffers: 3000,
    of: '400 pairs (200 of a page, and those before them) and their chats by key, where the words are not those that PostgreSQL knows',
  },
  'aui.tree': { buffers: 1500, of: '200 pairs of all branches, and those before them by key' },
  'webhook.': {
    buffers: 8000,
    of: '1,000 conversations of the account, whatever is in them, and the rows of their deliveries',
  },
};
