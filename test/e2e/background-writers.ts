import { randomBytes, randomUUID } from 'node:crypto';
import type { Type } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { newId } from '../../src/common/ids.js';
import { JournalRows } from '../../src/content/journal-rows.js';
import { Journal } from '../../src/content/journal.js';
import { Relay } from '../../src/content/relay.js';
import { Database } from '../../src/database/database.js';
import { ChatService } from '../../src/modules/chat/chat.service.js';
import { ForkService } from '../../src/modules/chat/fork.service.js';
import { TreeChanges } from '../../src/modules/chat/tree-changes.service.js';
import { KEEP_TOKENS } from '../../src/modules/context/context.sql.js';
import { AnswerEnds } from '../../src/modules/answer/answer-ends.js';
import { Tickets } from '../../src/modules/auth/tickets.service.js';
import { WRITE_CHUNKS } from '../../src/modules/answer/answer.sql.js';
import { Sweeper } from '../../src/modules/answer/sweeper.service.js';
import { AccountEventsJob } from '../../src/modules/maintenance/account-events.job.js';
import {
  DeliveriesJob,
  IdempotencyKeysJob,
  SignInsJob,
} from '../../src/modules/maintenance/expiry.jobs.js';
import { Files } from '../../src/modules/file/files.service.js';
import { FilesJob, LeftoversJob } from '../../src/modules/maintenance/files.jobs.js';
import { PurgeJob } from '../../src/modules/maintenance/purge.job.js';
import { RedactionsJob } from '../../src/modules/maintenance/redactions.job.js';
import { TemporaryChatsJob } from '../../src/modules/maintenance/temporary-chats.job.js';
import { AccountFeeds } from '../../src/modules/realtime/account-feeds.service.js';
import { KEEP } from '../../src/modules/summary/chosen-highlights.service.js';
import { FORGET } from '../../src/modules/search/search-index.sql.js';
import { SearchIndex } from '../../src/modules/search/search-index.service.js';
import { SearchWalks } from '../../src/modules/search/search-walks.service.js';
import { WRITE_MARK } from '../../src/modules/summary/summary-marks.sql.js';
import { AppendLanes } from '../../src/modules/message/append.lanes.js';
import { manyInputs } from '../../src/modules/message/append.sql.js';
import { newPair } from '../../src/modules/message/append.service.js';
import {
  CLAIM,
  GIVE_BACK,
  MAKE_READY,
  SETTLE_DELIVERED,
  SETTLE_FAILED,
} from '../../src/modules/webhook/delivery.sql.js';
import { WebhookDeliverer } from '../../src/modules/webhook/webhook-deliverer.service.js';
import { WebhookOutbox } from '../../src/modules/webhook/webhook-outbox.service.js';
import type { TestApp } from '../support/app.js';
import { GOOD, type Scene } from './openapi-calls.js';

/**
 * What writes without a request that writes: prepares its rows in a scene; then it runs at any
 * instance.
 */
export type Writer = (scene: Scene) => Promise<(server: TestApp) => Promise<unknown>>;

const of = <T>({ app }: TestApp, type: Type<T>): T => app.get(type, { strict: false });
/** By a connection that is there: a new one costs more than most of what is met here. */
const sql = ({ server }: Scene, text: string, values: unknown[] = []): Promise<unknown> =>
  of(server, DataSource).query(text, values);
const never = new AbortController().signal;

/** What two writers of a scene share: they shall meet at the same rows. */
function sharedOf<T>(make: (scene: Scene) => Promise<T>): (scene: Scene) => Promise<T> {
  const made = new WeakMap<Scene, Promise<T>>();
  return (scene) => made.get(scene) ?? made.set(scene, make(scene)).get(scene)!;
}

/** An answer that is being written in the branch, by nobody: its lease is over. */
const anAnswer = sharedOf(async (scene) => {
  const { ann, branch: chatId, chat } = scene;
  const ref = {
    accountId: ann.accountId,
    generationId: newId(),
    rootChatId: chat.id,
    chatId,
    responseId: await ann.append(chatId, 'q'),
  };
  await sql(scene, `UPDATE messages SET status = 'streaming' WHERE response_id = $1`, [
    ref.responseId,
  ]);
  await sql(scene, `UPDATE chats SET generation_id = $2 WHERE chat_id = $1`, [
    chatId,
    ref.generationId,
  ]);
  await sql(
    scene,
    `INSERT INTO generations (account_id, generation_id, root_chat_id, chat_id, response_id, instance_id, lease_until, started_at)
     VALUES ($1, $2, $3, $4, $5, $6, now() - interval '1 s', now())`,
    [ref.accountId, ref.generationId, ref.rootChatId, chatId, ref.responseId, randomUUID()],
  );
  return ref;
});

const aDelivery = sharedOf((scene) => deliveryOf(scene, null));

/** A delivery that is under way, or was settled. */
async function deliveryOf(scene: Scene, settled: string | null): Promise<unknown[]> {
  const { path } = await (GOOD.testWebhook!(scene) as Promise<{ path: { webhook_id: string } }>);
  const row = [scene.ann.accountId, path.webhook_id, newId()];
  await sql(
    scene,
    `INSERT INTO webhook_deliveries (account_id, webhook_id, delivery_id, type, payload, status, due_at, created_at, settled_at)
     VALUES ($1, $2, $3, 'webhook.test', '{}', CASE WHEN $4::timestamptz IS NULL THEN 'pending' ELSE 'failed' END, '2099-01-01', now(), $4)`,
    [...row, settled],
  );
  await sql(scene, `UPDATE webhooks SET failing_since = now() WHERE webhook_id = $1`, [
    path.webhook_id,
  ]);
  return [...row, '2099-01-01'];
}

async function buried(scene: Scene, chatId: string): Promise<void> {
  await scene.ann.post(`/chats/${scene.branch}/messages`, { question: 'q', response: 'a' });
  await sql(
    scene,
    `UPDATE chats SET deleted_at = now() - interval '40 days', active = parent_chat_id IS NULL WHERE chat_id = $1 OR $1 = root_chat_id`,
    [chatId],
  );
}

/** The purge without its waits. */
async function purge({ ann, chat }: Scene, server: TestApp): Promise<void> {
  const job = of(server, PurgeJob) as unknown as {
    plan(tree: object): Promise<object>;
    removeWords(plan: object): Promise<boolean>;
    removeRows(plan: object, signal: AbortSignal): Promise<number>;
  };
  const plan = await job.plan({ account_id: ann.accountId, root_chat_id: chat.id });
  await job.removeWords(plan);
  await job.removeRows(plan, never);
}

const unfound = (scene: Scene) =>
  sql(scene, `DELETE FROM message_search WHERE account_id = $1`, [scene.ann.accountId]);

/** Of the account of the scene alone. */
function walk({ ann }: Scene, server: TestApp): Promise<number> {
  const walks = of(server, SearchWalks) as unknown as {
    walk(accountId: string, isOver: () => boolean): Promise<number>;
  };
  return walks.walk(ann.accountId, () => false);
}

const query = (server: TestApp, ...call: Parameters<Database['query']>) =>
  of(server, Database).query(...call);

export const WRITERS: Record<string, Writer> = {
  'appends that share a statement': async ({ ann, chat }) => {
    const chats = [chat.id, (await ann.aChat()).id].sort();
    return (server) => {
      const pairs = chats.map((chatId) =>
        newPair(
          { said: { question: 'q' }, response: 'a' },
          { accountId: ann.accountId, chatId, key: null, endKey: null },
        ),
      );
      return query(server, of(server, AppendLanes).statements.many, manyInputs(pairs));
    };
  },
  'stop of an answer elsewhere': async (scene) => {
    const { chatId, responseId } = await anAnswer(scene);
    return (server) =>
      scene.ann.at(server.url).post(`/chats/${chatId}/messages/${responseId}/stop`);
  },
  'pieces of an answer': async (scene) => {
    const { accountId, generationId } = await anAnswer(scene);
    return (server) =>
      query(server, WRITE_CHUNKS, [
        [accountId],
        [generationId],
        [accountId],
        [generationId],
        [1],
        ['{1}'],
        ['x'],
      ]);
  },
  'end of an answer': async (scene) => {
    const ref = await anAnswer(scene);
    const outcome = {
      status: 'complete',
      text: 'a',
      model: 'm',
      usage: { input_tokens: 1, output_tokens: 1 },
      error: null,
    } as const;
    return (server) =>
      of(server, AnswerEnds)
        .end(ref, outcome as never)
        // Its words were purged a moment before: then it is tried again, and finds nothing to end.
        .catch((error: { kind?: { code: string } }) => {
          if (error.kind?.code !== 'content_unavailable') throw error;
        });
  },
  // Retried in place, where a branch of it was deleted: what both ask the journal for is the same
  // row.
  'restore of a branch at an answer': async (scene) => {
    const { chatId, responseId } = await anAnswer(scene);
    const { ann } = scene;
    const isBeing = (status: string) =>
      sql(scene, `UPDATE messages SET status = $2 WHERE response_id = $1`, [responseId, status]);
    await isBeing('complete');
    const child = await ann.aBranch(chatId, responseId);
    await ann.delete(`/chats/${child}`);
    await isBeing('streaming');
    return (server) => ann.at(server.url).post(`/chats/${child}/restore`);
  },
  'a fork': async ({ ann, chat }) => {
    const fork = { response_id: chat.pairs[0]! };
    return (server) => ann.at(server.url).post(`/chats/${chat.id}/branches`, fork);
  },
  // The way of a fork for which something was in the way.
  'a fork in a transaction': async ({ ann, chat }) => {
    const fork = { response_id: chat.pairs[0]! };
    return (server) =>
      of(server, TreeChanges).run(ann.accountId, chat.id, (tx) =>
        of(server, ForkService).fork(tx, ann.accountId, chat.id, fork),
      );
  },
  'counts of tokens': ({ ann, chat }) =>
    Promise.resolve((server) =>
      query(server, KEEP_TOKENS, [ann.accountId, [chat.id, chat.id], [1, 2], [1, 1], [7, 7]]),
    ),
  sweeper: async (scene) => (await anAnswer(scene), (server) => of(server, Sweeper).run()),
  title: async (scene) => {
    await scene.ann.patch(`/chats/${scene.chat.id}`, { name: 'first words' });
    return (server) =>
      of(server, ChatService).renameFrom(
        scene.ann.accountId,
        scene.chat.id,
        'first words',
        'a name',
      );
  },
  'word counts':
    async ({ ann, chat }) =>
    (server) =>
      query(server, WRITE_MARK, [ann.accountId, chat.id, 3, 6, 3, [], [], 3]),
  'words to be found by': async (scene) => {
    await unfound(scene);
    const { ann, chat } = scene;
    const pairs = chat.pairs.map((id) => [ann.accountId, id] as const);
    return (server) => of(server, SearchIndex).bring(pairs);
  },
  'words that are not to be found any more': async (scene) => {
    const { ann, chat, server: here } = scene;
    await of(here, SearchIndex).bring(chat.pairs.map((id) => [ann.accountId, id] as const));
    const values = [chat.pairs.map(() => ann.accountId), chat.pairs];
    return (server) => query(server, FORGET, values);
  },
  'a walk through what is found': async (scene) => (
    await unfound(scene),
    (server) => walk(scene, server)
  ),
  'chosen highlights':
    async ({ ann, chat }) =>
    (server) =>
      query(server, KEEP, [ann.accountId, chat.id, 3, '[]', 'm']),
  'purge of a branch': async (scene) => (
    await buried(scene, scene.branch),
    (server) => purge(scene, server)
  ),
  'purge of a conversation': async (scene) => (
    await buried(scene, scene.chat.id),
    (server) => purge(scene, server)
  ),
  'temporary chats': async (scene) => {
    await sql(
      scene,
      `UPDATE chats SET chat_type = 'temporary', updated_at = now() - interval '1 year' WHERE root_chat_id = $1`,
      [scene.chat.id],
    );
    const tree = { account_id: scene.ann.accountId, root_chat_id: scene.chat.id };
    return (server) => {
      const job = of(server, TemporaryChatsJob) as unknown as {
        bury(tx: EntityManager, tree: object): Promise<boolean>;
      };
      return of(server, Database).transaction((tx) => job.bury(tx, tree));
    };
  },
  'redactions, looked through again': async (scene) => {
    const { ann, chat } = scene;
    await ann.delete(`/chats/${chat.id}/messages/${chat.pairs[0]!}`);
    await sql(scene, `UPDATE redactions SET redacted_at = now() - interval '2 h'`);
    return (server) => of(server, RedactionsJob).run(never);
  },
  'idempotency keys': async (scene) => {
    await scene.ann.post('/chats', {}, { 'idempotency-key': randomUUID() });
    await sql(
      scene,
      `UPDATE idempotency_keys SET created_at = now() - interval '2 days' WHERE account_id = $1`,
      [scene.ann.accountId],
    );
    return (server) => of(server, IdempotencyKeysJob).run(never);
  },
  'sign-ins and API keys': async (scene) => {
    await GOOD.refresh!(scene);
    await sql(
      scene,
      `UPDATE token_families SET expires_at = now() - interval '2 days'
       WHERE account_id = $1 AND family_id IN (SELECT family_id FROM token_families WHERE account_id = $1 ORDER BY created_at OFFSET 1)`,
      [scene.ann.accountId],
    );
    return (server) => of(server, SignInsJob).run(never);
  },
  'webhook deliveries': async (scene) => {
    await deliveryOf(scene, '2020-01-01');
    await deliveryOf(scene, '2020-01-02');
    return (server) => of(server, DeliveriesJob).run(never);
  },
  'files of nobody': async (scene) => {
    await of(scene.server, Files).keepDataUrl(scene.ann.accountId, 'data:,words');
    await sql(scene, `UPDATE files SET loose_since = now() - interval '2 days' WHERE taken`);
    return (server) => of(server, FilesJob).run(never);
  },
  'bytes of deleted files': async (scene) => {
    const { file_id: id } = await of(scene.server, Files).keep(scene.ann.accountId, randomBytes(9));
    await scene.ann.delete(`/files/${id}`);
    await sql(scene, `UPDATE file_leftovers SET due_at = now() - interval '1 day'`);
    return (server) => of(server, LeftoversJob).run(never);
  },
  'events of an account': async (scene) => {
    await sql(scene, `DELETE FROM account_feeds WHERE account_id = $1`, [scene.ann.accountId]);
    await scene.ann.append(scene.chat.id, 'q');
    return (server) => of(server, AccountFeeds).find(scene.ann.accountId);
  },
  'events of accounts': async (scene) => {
    await of(scene.server, AccountFeeds).find(scene.ann.accountId);
    await sql(
      scene,
      `UPDATE account_events SET created_at = now() - interval '1 year' WHERE account_id = $1`,
      [scene.ann.accountId],
    );
    return (server) => of(server, AccountEventsJob).run(never);
  },
  'a ticket that is used': async (scene) => {
    const { body } = await scene.ann.post('/events/ticket');
    return (server) => of(server, Tickets).take(body.ticket);
  },
  'webhook outbox': async (scene) => {
    await GOOD.testWebhook!(scene);
    await scene.ann.append(scene.chat.id, 'q');
    return (server) => of(server, WebhookOutbox).dispatch([scene.ann.accountId], [scene.chat.id]);
  },
  'webhook sweep': async (scene) => {
    await GOOD.testWebhook!(scene);
    await sql(
      scene,
      `UPDATE webhook_accounts SET swept_at = now() - interval '1 day' WHERE account_id = $1`,
      [scene.ann.accountId],
    );
    return (server) => of(server, WebhookOutbox).sweep();
  },
  'claim of deliveries': async (scene) => {
    const [, , delivery] = await aDelivery(scene);
    await sql(scene, `UPDATE webhook_deliveries SET due_at = now() WHERE delivery_id = $1`, [
      delivery,
    ]);
    return async (server) => (
      await query(server, MAKE_READY, [10]),
      query(server, CLAIM, [10, [], [], [], 60])
    );
  },
  'a delivery that arrived': async (scene) => {
    const held = await aDelivery(scene);
    return (server) => query(server, SETTLE_DELIVERED, [...held, 200]);
  },
  'a delivery that failed': async (scene) => {
    const held = await aDelivery(scene);
    return (server) => query(server, SETTLE_FAILED, [...held, 500, null, 60, false, 5]);
  },
  'a delivery that is given back': async (scene) => {
    const held = await aDelivery(scene);
    return (server) => query(server, GIVE_BACK, held);
  },
  'deliveries that are given up': async (scene) => {
    const held = await aDelivery(scene);
    await deliveryOf(scene, null);
    await sql(scene, `UPDATE webhooks SET enabled = false WHERE webhook_id = $1`, [held[1]]);
    return (server) => of(server, WebhookDeliverer).giveUp(scene.ann.accountId, held[1] as string);
  },
  'marks of stored words': async ({ ann, chat }) => (
    await ann.append(chat.id, 'q'),
    (server) => of(server, Journal).flush()
  ),
  relay: async ({ ann, chat }) => (
    await ann.append(chat.id, 'q'),
    (server) => of(server, Relay).drain()
  ),
  'relay, reading back': async (scene) => {
    await of(scene.server, Relay).drain();
    await sql(scene, `UPDATE content_journal SET stored_at = now(), due_at = now()`);
    return (server) => of(server, Relay).tick();
  },
  'relay, giving back': async ({ ann, chat }) => {
    await ann.append(chat.id, 'q');
    return async (server) => {
      const rows = of(server, JournalRows);
      await rows.hurry();
      const [failed, ...untouched] = await rows.claim(100, 2 ** 20, 60);
      await rows.giveBack(failed ? [failed] : [], untouched);
    };
  },
  // Reads that write: what was counted of words and branches, and the number of a chat at the first
  // look by number.
  getSummary: async (scene) => {
    await GOOD.getSummary!(scene);
    return (server) => scene.ann.at(server.url).get(`/chats/${scene.chat.id}/summary`);
  },
  search: async (scene) => (
    await unfound(scene),
    (server) => scene.ann.at(server.url).get('/search?q=q1')
  ),
  getBranches: async (scene) => {
    const { ann, chat } = scene;
    await sql(scene, `UPDATE conversations SET chats_total = NULL WHERE chat_id = $1`, [chat.id]);
    return (instance) => ann.at(instance.url).get(`/chats/${chat.id}/branches`);
  },
  readMessages:
    async ({ ann, chat }) =>
    (server) =>
      ann.at(server.url).request('GET', `/messages?chat_uuid=${chat.id}&limit=2`),
};
