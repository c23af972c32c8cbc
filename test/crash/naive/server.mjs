// The control of the crash test: the order of writes that comes to mind first. Pair, then words,
// then key, each by itself; no journal. Alone each step is right, and without deaths nobody notices
// anything. It speaks as much of the API as the test uses.
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import mongoose from 'mongoose';
import pg from 'pg';
import { bucketId } from '../../../dist/src/content/mongo/chat-contents.schema.js';
import { dataSourceOptions } from '../../../dist/src/data-source.js';
import { migrate } from '../../../dist/src/database/migrate.js';

const { DATABASE_URL, MONGODB_URI, PORT, FAILPOINT } = process.env;
const PAIRS_PER_BUCKET = 32;
const PAGE = 100;

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 8 });
const buckets =
  MONGODB_URI &&
  (await mongoose.createConnection(MONGODB_URI).asPromise()).db.collection('chat_contents');
const rows = async (text, values) => (await pool.query(text, values)).rows;
const failpoint = (name) => void (name === FAILPOINT && process.kill(process.pid, 'SIGKILL'));

async function createChat(account) {
  const id = randomUUID();
  await rows(
    `WITH conversation AS (INSERT INTO conversations (account_id, chat_id) VALUES ($1, $2))
     INSERT INTO chats (account_id, chat_id, root_chat_id, jump_chat_id, active, created_at, updated_at)
     VALUES ($1, $2, $2, $2, true, now(), now())`,
    [account, id],
  );
  return { chat_id: id };
}

/**
 * One statement, so that PostgreSQL by itself is always consistent: what goes wrong is between the
 * stores.
 */
const APPEND = `
  WITH chat AS (UPDATE chats SET last_seq = last_seq + 1, last_response_id = $3 WHERE account_id = $1 AND chat_id = $2 RETURNING last_seq AS seq),
  conversation AS (UPDATE conversations SET event_seq = event_seq + 1 WHERE account_id = $1 AND chat_id = $2 RETURNING event_seq),
  event AS (
    INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
    SELECT $1, $2, event_seq, 'message.created', $2, $3, now() FROM conversation
  )
  INSERT INTO messages (account_id, response_id, root_chat_id, chat_id, seq, bytes, sha256, created_at)
  SELECT $1, $3, $2, $2, seq, $4, $5, now() FROM chat RETURNING seq`;

async function append(account, chatId, { question, response }, key) {
  const scope = 'POST /api/v1/chats/:chat_id/messages';
  const [before] = key
    ? await rows(
        `SELECT answer FROM idempotency_keys WHERE account_id = $1 AND scope = $2 AND key = $3`,
        [account, scope, key],
      )
    : [];
  if (before) return { json: before.answer, replayed: true };
  const id = randomUUID();
  const body = JSON.stringify({ question, response, metadata: null });
  const sha256 = createHash('sha256').update(body).digest();
  const [{ seq }] = await rows(APPEND, [account, chatId, id, Buffer.byteLength(body), sha256]);
  failpoint('naive.after_commit');
  await putWords({ account, chatId, id, seq, question, response, body });
  failpoint('naive.after_words');
  const json = JSON.stringify({ response_id: id, chat_id: chatId, seq, question, response });
  await rows(
    `INSERT INTO idempotency_keys (account_id, scope, key, fingerprint, status, answer, created_at) VALUES ($1, $2, $3, '', 201, $4, now())
     ON CONFLICT DO NOTHING`,
    [account, scope, key ?? id, json],
  );
  return { json };
}

async function putWords({ account, chatId, id, seq, question, response, body }) {
  if (!buckets)
    return rows(`INSERT INTO chat_contents VALUES ($1, $2, $3, 1, $4)`, [
      account,
      chatId,
      seq,
      body,
    ]);
  const bucket = Math.floor((seq - 1) / PAIRS_PER_BUCKET);
  const copies = { account_id: account, root_chat_id: chatId, chat_id: chatId, bucket };
  const element = {
    question,
    response,
    response_id: id,
    timestamp: new Date(),
    branches: [],
    branches_total: 0,
    seq,
    version: 1,
    metadata: null,
  };
  const push = { $setOnInsert: copies, $push: { qa_pairs: element } };
  await buckets
    .updateOne({ _id: bucketId(account, chatId, bucket) }, push, { upsert: true })
    .catch(() => buckets.updateOne({ _id: bucketId(account, chatId, bucket) }, push));
}

async function page(account, chatId, before) {
  const found = await rows(
    `SELECT m.response_id, m.seq, w.body FROM messages m LEFT JOIN chat_contents w USING (account_id, chat_id, seq)
     WHERE m.account_id = $1 AND m.chat_id = $2 AND m.seq < $3 ORDER BY m.seq DESC LIMIT ${PAGE}`,
    [account, chatId, before ?? 2 ** 31 - 1],
  );
  const stored = buckets
    ? (await buckets.find({ chat_id: chatId }).toArray()).flatMap((bucket) => bucket.qa_pairs)
    : [];
  const elements = new Map(stored.map((element) => [element.response_id, element]));
  const qa_pairs = found.reverse().map(({ response_id, seq, body }) => {
    const { question = null, response = null } =
      (buckets ? elements.get(response_id) : JSON.parse(body)) ?? {};
    return { response_id, seq, question, response };
  });
  return {
    chat_id: chatId,
    qa_pairs,
    prev_cursor: qa_pairs[0]?.seq > 1 ? String(qa_pairs[0].seq) : null,
  };
}

async function answer(request, body) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const [, , , resource, id] = pathname.split('/');
  const account = request.headers.authorization?.slice('Bearer '.length);
  if (pathname === '/readyz') return { status: 200, json: '{}' };
  if (resource === 'auth') {
    const account_id = randomUUID();
    await rows(`INSERT INTO accounts (account_id, created_at) VALUES ($1, now())`, [account_id]);
    return {
      status: 201,
      json: JSON.stringify({ access_token: account_id, account: { account_id } }),
    };
  }
  if (!id) return { status: 201, json: JSON.stringify(await createChat(account)) };
  if (request.method === 'GET')
    return {
      status: 200,
      json: JSON.stringify(await page(account, id, searchParams.get('before'))),
    };
  return {
    status: 201,
    ...(await append(account, id, JSON.parse(body), request.headers['idempotency-key'])),
  };
}

await migrate(dataSourceOptions(DATABASE_URL));
createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { status, json, replayed } = await answer(request, Buffer.concat(chunks).toString()).catch(
    (error) => ({
      status: 503,
      json: JSON.stringify({ detail: error.message }),
    }),
  );
  response
    .writeHead(status, {
      'content-type': 'application/json',
      ...(replayed && { 'idempotent-replayed': 'true' }),
    })
    .end(json);
}).listen(Number(PORT), '127.0.0.1');
