import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { Pool } from 'pg';
import { v7 } from 'uuid';
import {
  type AppendRow,
  appendStatements,
  type NewPair,
  oneInput,
} from '../../src/modules/message/append.sql.js';
import { ready } from '../servers/child.js';

/**
 * What a good engineer would write by hand for one route and nothing else: Fastify and pg, one
 * named prepared statement for each request, the same tables, the same answers, as many
 * connections. No accounts, no checks beyond JSON, no errors, no branches, no cache.
 */
const {
  DATABASE_URL: connectionString,
  DATABASE_POOL_SIZE,
  ACCOUNT_ID: accountId,
  APPENDS_FOR: appendsFor,
} = process.env as Record<string, string>;
const pool = new Pool({ connectionString, max: Number(DATABASE_POOL_SIZE) });
const app = Fastify();

const COLUMNS = `m.response_id, m.chat_id, m.seq, m.message_type, m.author, m.status, m.model, m.usage, m.created_at, m.version, w.body`;
const PAIRS = `messages m JOIN chat_contents w ON w.account_id = m.account_id AND w.chat_id = m.chat_id AND w.seq = m.seq`;
const PAGE = {
  name: 'page',
  text: `SELECT ${COLUMNS} FROM ${PAIRS} WHERE m.account_id = $1 AND m.chat_id = $2 AND m.seq BETWEEN $3 AND $4 ORDER BY m.seq`,
};
const ROW = {
  name: 'row',
  text: `SELECT ${COLUMNS} FROM ${PAIRS} WHERE m.account_id = $1 AND m.response_id = $2`,
};
const APPEND = appendStatements('chat_contents').one;

interface Row {
  [column: string]: unknown;
  body: string;
  created_at: Date;
}

/** The words are one JSON text in the table, so a row is parsed and written again. */
const pairOf = ({ body, created_at, ...row }: Row): object => ({
  ...row,
  ...(JSON.parse(body) as object),
  timestamp: created_at.toISOString(),
  branches: [],
  branches_total: 0,
});

/**
 * The same without parsing: the words go from row to answer as text. Fewer people would write this
 * one; it is the floor of the floor.
 */
function splicedPairOf({ body, created_at, response_id, chat_id, seq, ...row }: Row): string {
  const rest = JSON.stringify({ ...row, timestamp: created_at, branches: [], branches_total: 0 });
  return `{"response_id":"${response_id as string}","chat_id":"${chat_id as string}","seq":${seq as number},${body.slice(1, -1)},${rest.slice(1)}`;
}

interface PageRoute {
  Params: { chat: string };
  Querystring: { from: string; to: string };
}

const rowsOf = async (chat: string, { from, to }: PageRoute['Querystring']): Promise<Row[]> =>
  (await pool.query<Row>({ ...PAGE, values: [accountId, chat, from, to] })).rows;

app.get('/ping', () => ({ status: 'ok' }));

app.get<PageRoute>('/page/:chat', async ({ params: { chat }, query }) => {
  const rows = await rowsOf(chat, query);
  return {
    chat_id: chat,
    qa_pairs: rows.map(pairOf),
    prev_cursor: query.from,
    next_cursor: query.to,
  };
});

app.get<PageRoute>('/spliced/:chat', async ({ params: { chat }, query }, reply) => {
  const rows = await rowsOf(chat, query);
  const cursors = JSON.stringify({ prev_cursor: query.from, next_cursor: query.to }).slice(1);
  reply.type('application/json; charset=utf-8');
  return `{"chat_id":"${chat}","qa_pairs":[${rows.map(splicedPairOf).join(',')}],${cursors}`;
});

app.get<{ Params: { id: string } }>('/row/:id', async ({ params: { id } }) => {
  const { rows } = await pool.query<Row>({ ...ROW, values: [accountId, id] });
  return pairOf(rows[0]!);
});

app.post<{ Params: { chat: string }; Body: { question: string; response: string } }>(
  '/append/:chat',
  async (request, reply) => {
    const body = JSON.stringify({
      question: request.body.question,
      response: request.body.response,
      metadata: null,
    });
    const pair: NewPair = {
      accountId: appendsFor!,
      chatId: request.params.chat,
      responseId: v7(),
      version: 1,
      messageType: 'text',
      status: 'complete',
      author: null,
      model: null,
      usage: null,
      error: null,
      createdAt: new Date(),
      body,
      sha256: createHash('sha256').update(body).digest(),
      branches: [],
      branchesTotal: 0,
      parent: undefined,
      mustBeActive: false,
      idempotent: null,
      generation: null,
    };
    const { rows } = await pool.query<AppendRow>({ ...APPEND, values: oneInput(pair) });
    const { responseId: response_id, chatId: chat_id, createdAt } = pair;
    reply.code(201);
    return {
      ...{
        response_id,
        chat_id,
        seq: rows[0]!.seq,
        ...request.body,
        metadata: null,
        message_type: 'text',
        author: null,
        status: 'complete',
      },
      ...{
        model: null,
        usage: null,
        timestamp: createdAt.toISOString(),
        branches: [],
        branches_total: 0,
        version: 1,
      },
    };
  },
);

await app.listen({ port: 0, host: '127.0.0.1' });
ready((app.server.address() as AddressInfo).port);
