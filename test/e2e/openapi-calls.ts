import { randomUUID } from 'node:crypto';
import { type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import type { Call, Operation } from '../support/contract.js';
import { aForm } from '../support/forms.js';
import { consoleOf, PASSWORD } from './auth-tester.js';

/** What a call can name: a person, a chat with three pairs and a branch of it. */
export interface Scene {
  server: TestApp;
  ann: TestClient;
  chat: { id: string; pairs: string[] };
  branch: string;
  /** What the first call that needed it made. */
  made?: { webhook?: Promise<string>; refreshToken?: Promise<string>; apiKey?: Promise<string> };
}

/** Of a new person, unless one is given. */
export async function aScene(server: TestApp, person?: TestClient): Promise<Scene> {
  const ann = person ?? (await TestClient.register(server.url));
  const chat = await ann.aChat(3);
  return { server, ann, chat, branch: await ann.aBranch(chat.id, chat.pairs[1]!) };
}

/** One scene for all that only read and change nothing, and a new one for each other operation. */
export function scenesFor(server: () => TestApp): (operation: Operation) => Promise<Scene> {
  let read: Promise<Scene> | undefined;
  return ({ method }) => (method === 'GET' ? (read ??= aScene(server())) : aScene(server()));
}

const madeIn = (scene: Scene): NonNullable<Scene['made']> => (scene.made ??= {});
const refreshTokenOf = (scene: Scene): Promise<string> =>
  (madeIn(scene).refreshToken ??= scene.ann
    .post('/auth/login', { email: scene.ann.email, password: 'a password of tests' })
    .then(({ body }) => body.refresh_token as string));
const otherSessionOf = async (scene: Scene): Promise<string> => {
  await refreshTokenOf(scene);
  return (await scene.ann.get('/auth/sessions')).body.items[0].session_id as string;
};
const apiKeyOf = (scene: Scene): Promise<string> =>
  (madeIn(scene).apiKey ??= scene.ann
    .post('/auth/api-keys', { name: 'x' })
    .then(({ body }) => body.api_key_id as string));
const deleted = async ({ ann, branch }: Scene): Promise<string> => (
  await ann.delete(`/chats/${branch}`),
  branch
);
const inSession = async ({ ann }: Scene) => {
  const { body } = await ann.request('POST', '/sessions', { body: { session_user: 'Ada' } });
  return { session_id: String(body.session_id) };
};
/** Nobody is called: no name ends in `invalid` (RFC 2606). */
export const aWebhook = async ({ ann }: Scene) => ({
  path: {
    webhook_id: (await ann.post('/webhooks', { url: 'https://receiver.invalid' })).body
      .webhook_id as string,
  },
});
const theWebhook = async (scene: Scene) => ({
  path: {
    webhook_id: await (madeIn(scene).webhook ??= aWebhook(scene).then(
      ({ path }) => path.webhook_id,
    )),
  },
});
/** Bytes that are nothing else. */
const theFile = async ({ ann }: Scene) => {
  const { body } = await ann.request(
    'POST',
    '/api/v1/files',
    aForm({ bytes: Buffer.from([0, 1]) }),
  );
  return { path: { file_id: body.file_id as string } };
};
const asOpenAiFile = async (scene: Scene) => ({
  path: { file_id: `file-${(await theFile(scene)).path.file_id}` },
});
export const inChat = ({ chat }: Scene): Call => ({ path: { chat_id: chat.id } });
const queried = ({ chat }: Scene): Call => ({ query: { chat_id: chat.id } });

/** A file without conversations. */
const anImport = async ({ ann }: Scene) => ({
  path: { import_id: (await ann.post('/imports', [])).body.import_id as string },
});

const inConversation = ({ chat }: Scene): Call => ({
  path: { conversation_id: `conv_${chat.id}` },
});

/**
 * A pair whose answer was stopped: the offline model is too quick for that, so its row is changed.
 */
async function aCancelled({
  server,
  chat,
}: Scene): Promise<{ chat_id: string; response_id: string }> {
  const ids = { chat_id: chat.id, response_id: chat.pairs[2]! };
  await withClient(server.databaseUrl, (client) =>
    client.query(`UPDATE messages SET status = 'cancelled' WHERE response_id = $1`, [
      ids.response_id,
    ]),
  );
  return ids;
}

const aShare = async ({ ann, chat }: Scene): Promise<{ share_id: string; token: string }> =>
  (await ann.post(`/chats/${chat.id}/share`, { follow: true })).body;

/** Messages of AG-UI. */
const after = (id: string) => ({ id, role: 'assistant', content: 'There.' });
const said = (content: string) => ({ id: 'm1', role: 'user', content });

const A_VALUE = { type: 'data', name: 'place', value: { lat: 66.56 } };
const A_CALL = { type: 'tool_call', call_id: 'call_1', name: 'weather', input: { city: 'Bodø' } };
const WEATHER = { type: 'function', name: 'weather', parameters: { type: 'object' } };
const SETTINGS = {
  ...{ instructions: 'Be brief.', temperature: 0.2, max_output_tokens: 100 },
  ...{ tools: [WEATHER], tool_choice: 'auto', format: { type: 'text' } },
};

/** One good call of every operation. A new operation needs one here. */
export const GOOD: Record<string, (scene: Scene) => Call | Promise<Call>> = {
  register: () => ({
    body: { email: `${randomUUID()}@example.org`, password: PASSWORD, name: 'Ada' },
  }),
  login: ({ ann }) => ({ body: { email: ann.email, password: 'a password of tests' } }),
  refresh: async (scene) => ({ body: { refresh_token: await refreshTokenOf(scene) } }),
  logout: async (scene) => ({ body: { refresh_token: await refreshTokenOf(scene) } }),
  changePassword: () => ({
    body: { current_password: 'a password of tests', new_password: 'a password of tests' },
  }),
  // Of somebody else: it ends all sign-ins.
  resetPassword: async ({ server }) => {
    const { email } = await TestClient.register(server.url);
    const { token } = await consoleOf(server).resetPassword(email, 1);
    return { body: { token, new_password: PASSWORD } };
  },
  getMe: () => ({}),
  listAuthSessions: () => ({ query: { limit: '10' } }),
  endAuthSession: async (scene) => ({ path: { session_id: await otherSessionOf(scene) } }),
  createApiKey: () => ({ body: { name: 'nightly import', expires_at: '2099-01-31T00:00:00Z' } }),
  listApiKeys: async ({ ann }) => (await ann.post('/auth/api-keys', { name: 'x' }), {}),
  deleteApiKey: async (scene) => ({ path: { api_key_id: await apiKeyOf(scene) } }),
  createChat: () => ({
    body: { name: 'Trip to Norway', chat_type: 'temporary', metadata: { topic: 'norway' } },
    headers: { 'idempotency-key': randomUUID() },
  }),
  listChats: () => ({ query: { limit: '10', archived: 'false', q: 'n' } }),
  getChat: inChat,
  updateChat: (scene) => ({
    ...inChat(scene),
    body: { name: 'Trip to Iceland', pinned: true, active: true },
    headers: { 'if-match': '*' },
  }),
  deleteChat: (scene) => ({ ...inChat(scene), query: { children: 'cascade' } }),
  restoreChat: async (scene) => ({ path: { chat_id: await deleted(scene) } }),
  addMessage: (scene) => ({
    ...inChat(scene),
    body: {
      question_parts: [{ type: 'text', text: 'Where?' }, A_VALUE],
      settings: SETTINGS,
    },
    query: { branch: 'active' },
  }),
  listMessages: (scene) => ({
    ...inChat(scene),
    query: { limit: '1', around: scene.chat.pairs[1]! },
  }),
  getMessage: (scene) => ({ path: { chat_id: scene.branch, response_id: scene.chat.pairs[1]! } }),
  redactMessage: ({ chat }) => ({ path: { chat_id: chat.id, response_id: chat.pairs[0]! } }),
  editMessage: ({ chat }) => ({
    path: { chat_id: chat.id, response_id: chat.pairs[1]! },
    body: { question: 'And in winter?' },
  }),
  regenerateMessage: ({ chat }) => ({ path: { chat_id: chat.id, response_id: chat.pairs[1]! } }),
  followAnswer: ({ chat }) => ({ path: { chat_id: chat.id, response_id: chat.pairs[1]! } }),
  stopAnswer: ({ chat }) => ({ path: { chat_id: chat.id, response_id: chat.pairs[1]! } }),
  retryAnswer: async (scene) => ({ path: await aCancelled(scene), body: {} }),
  fanOutMessage: ({ chat }) => ({
    path: { chat_id: chat.id, response_id: chat.pairs[1]! },
    body: { models: ['offline', 'offline'] },
  }),
  createFile: () => aForm({ name: 'x.png', bytes: Buffer.from([0, 1, 2]) }),
  listFiles: async (scene) => (await theFile(scene), { query: { limit: '1' } }),
  getFile: theFile,
  getFileContent: theFile,
  deleteFile: theFile,
  createOpenAiFile: () => aForm({ bytes: Buffer.from([0, 1, 2]) }, { purpose: 'vision' }),
  listOpenAiFiles: async (scene) => (await theFile(scene), { query: { limit: '1', order: 'asc' } }),
  getOpenAiFile: asOpenAiFile,
  getOpenAiFileContent: asOpenAiFile,
  deleteOpenAiFile: asOpenAiFile,
  getChatUsage: inChat,
  getUsage: () => ({}),
  createBranch: (scene) => ({
    ...inChat(scene),
    body: { response_id: scene.chat.pairs[0], name: 'What if?', activate: true },
  }),
  getBranches: (scene) => ({ ...inChat(scene), query: { depth: '5', limit: '1', format: 'flat' } }),
  setActiveBranch: (scene) => ({ ...inChat(scene), body: { branch_chat_id: scene.branch } }),
  search: ({ branch }) => ({
    query: { q: 'q1', chat_id: branch, scope: 'conversation', side: 'question', limit: '1' },
  }),
  getSummary: ({ branch }) => ({ path: { chat_id: branch } }),
  compareChats: (scene) => ({ ...inChat(scene), query: { with: scene.branch } }),
  mergeBranch: async (scene) => {
    await scene.ann.append(scene.branch, 'found aside');
    return {
      ...inChat(scene),
      body: { from_chat_id: scene.branch, mode: 'summary', text: 'It was found aside.' },
    };
  },
  shareChat: (scene) => ({
    ...inChat(scene),
    body: { response_id: scene.chat.pairs[1], expires_at: '2099-01-31T00:00:00Z' },
  }),
  listShares: async (scene) => (await aShare(scene), inChat(scene)),
  endShare: async (scene) => ({ path: { share_id: (await aShare(scene)).share_id } }),
  readShared: async (scene) => ({
    path: { token: (await aShare(scene)).token },
    query: { limit: '1' },
  }),
  createChatVerb: () => ({ body: { name: 'Trip to Norway' } }),
  getChatVerb: queried,
  updateChatVerb: ({ chat }) => ({ body: { chat_id: chat.id, archived: true } }),
  deleteChatVerb: ({ branch }) => ({ query: { chat_id: branch, children: 'refuse' } }),
  addMessageVerb: ({ branch }) => ({
    body: {
      chat_id: branch,
      question: 'f()',
      response_parts: [{ type: 'reasoning', text: 'Hm.' }, A_CALL],
      message_type: 'code',
      metadata: { language: 'c' },
    },
  }),
  createBranchVerb: ({ chat }) => ({ body: { chat_id: chat.id, response_id: null } }),
  getBranchesVerb: queried,
  setActiveBranchVerb: ({ chat, branch }) => ({
    body: { chat_id: chat.id, branch_chat_id: branch },
  }),
  createEventTicket: () => ({}),
  streamEvents: ({ branch }) => ({ query: { chat_id: branch, since: '0' } }),
  createWebhook: () => ({
    body: {
      url: 'https://receiver.invalid/banyan',
      events: ['chat.deleted'],
      description: 'tells the archive',
    },
  }),
  exportChat: inChat,
  exportAccount: () => ({ query: { format: 'banyan' } }),
  createImport: () => ({ body: [] }),
  listImports: async (scene) => (await anImport(scene), { query: { limit: '1' } }),
  getImport: anImport,
  cancelImport: anImport,
  listWebhooks: async (scene) => (await theWebhook(scene), { query: { limit: '1' } }),
  getWebhook: theWebhook,
  updateWebhook: async (scene) => ({
    ...(await theWebhook(scene)),
    body: { enabled: false, description: null },
  }),
  deleteWebhook: theWebhook,
  rotateWebhookSecret: theWebhook,
  testWebhook: theWebhook,
  listDeliveries: async (scene) => {
    const hook = await theWebhook(scene);
    await scene.ann.post(`/webhooks/${hook.path.webhook_id}/test`);
    return { ...hook, query: { limit: '1', status: 'pending' } };
  },
  startSession: () => ({ body: { session_user: 'Ada' } }),
  postSessionMessage: async (scene) => ({
    path: await inSession(scene),
    body: { role: 'user', content: 'Where?' },
  }),
  listSessionMessages: async (scene) => ({ path: await inSession(scene), query: { role: 'user' } }),
  listChatSessions: async ({ ann }) => (
    await ann.request('POST', '/v1/chat/sessions/a/messages', {
      body: { role: 'user', content: 'x' },
    }),
    {}
  ),
  getChatSession: () => ({ path: { session_id: 'support-42' } }),
  postChatSessionMessage: () => ({
    path: { session_id: 'support-42' },
    body: { role: 'system', content: 'Be kind.' },
  }),
  clearChatSession: () => ({ path: { session_id: 'support-42' } }),
  firstMessage: () => ({ body: { text: 'Where?', sender: 'Ada' } }),
  postMessage: ({ chat }) => ({
    body: { chat_uuid: chat.id, text: 'And when?', sender: 'Ada', system: true },
  }),
  readMessages: ({ chat }) => ({ query: { chat_uuid: chat.id, limit: '2' } }),
  lastMessage: ({ chat }) => ({ path: { chat_uuid: chat.id } }),
  listModels: () => ({}),
  getModel: () => ({ path: { model: 'offline' } }),
  createChatCompletion: () => ({
    body: {
      model: 'offline',
      messages: [{ role: 'user', name: 'ada', content: 'Where?' }],
      colour: 'passed on',
    },
  }),
  callMcp: () => ({
    body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_chats' } },
  }),
  streamUiMessage: ({ chat }) => ({
    body: {
      id: chat.id,
      message: { id: 'm1', role: 'user', parts: [{ type: 'text', text: 'Where?' }] },
    },
  }),
  getUiChat: ({ chat }) => ({ path: { id: chat.id } }),
  resumeUiMessage: ({ chat }) => ({ path: { id: chat.id } }),
  stopUiMessage: ({ chat }) => ({ path: { id: chat.id } }),
  runAgent: ({ chat }) => ({
    body: { threadId: chat.id, runId: 'run-1', messages: [after(chat.pairs[2]!), said('Where?')] },
  }),
  connectAgent: ({ chat }) => ({ body: { threadId: chat.id, runId: 'run-1', messages: [] } }),
  listThreads: () => ({ query: { limit: '1', archived: 'false' } }),
  getThreadMessages: ({ chat }) => ({ path: { thread_id: chat.id }, query: { limit: '1' } }),
  stopThread: ({ chat }) => ({ path: { thread_id: chat.id } }),
  listAuiThreads: () => ({ query: { limit: '1', is_archived: 'false' } }),
  createAuiThread: () => ({ body: { title: 'Trip', last_message_at: '2026-11-29T00:00:00.000Z' } }),
  getAuiThread: ({ chat }) => ({ path: { thread_id: chat.id } }),
  updateAuiThread: ({ chat }) => ({ path: { thread_id: chat.id }, body: { title: 'Trip' } }),
  deleteAuiThread: ({ chat }) => ({ path: { thread_id: chat.id } }),
  listAuiMessages: ({ chat }) => ({ path: { thread_id: chat.id }, query: { format: 'aui/v0' } }),
  createAuiMessage: ({ chat }) => ({
    path: { thread_id: chat.id },
    body: {
      parent_id: chat.pairs[2]!,
      format: 'aui/v0',
      content: { role: 'user', content: 'Where?' },
    },
  }),
  updateAuiMessage: ({ chat }) => ({
    path: { thread_id: chat.id, message_id: chat.pairs[2]! },
    body: { content: { role: 'assistant', content: 'There.' } },
  }),
  deleteAuiMessages: ({ chat }) => ({
    path: { thread_id: chat.id },
    body: { message_ids: [`${chat.pairs[2]!}-question`] },
  }),
  holdAuiRun: ({ chat }) => ({ path: { thread_id: chat.id, lease_id: chat.pairs[2]! } }),
  endAuiRun: ({ chat }) => ({
    path: { thread_id: chat.id, lease_id: chat.pairs[2]! },
    body: { reason: 'done' },
  }),
  streamAuiRun: ({ chat }) => ({
    body: {
      thread_id: chat.id,
      assistant_id: 'system/thread_title',
      messages: [{ role: 'user', content: 'Where?' }],
    },
  }),
  createResponse: ({ chat }) => ({
    body: {
      model: 'offline',
      input: 'Where?',
      conversation: `conv_${chat.id}`,
      colour: 'passed on',
    },
  }),
  countInputTokens: ({ chat }) => ({
    body: { model: 'offline', input: 'Where?', previous_response_id: `resp_${chat.pairs[1]}` },
  }),
  compactResponse: ({ chat }) => ({
    body: { model: 'offline', previous_response_id: `resp_${chat.pairs[1]}` },
  }),
  getResponse: ({ chat }) => ({ path: { response_id: `resp_${chat.pairs[1]}` } }),
  deleteResponse: ({ chat }) => ({ path: { response_id: `resp_${chat.pairs[1]}` } }),
  cancelResponse: ({ chat }) => ({ path: { response_id: `resp_${chat.pairs[1]}` } }),
  listInputItems: ({ chat }) => ({
    path: { response_id: `resp_${chat.pairs[1]}` },
    query: { order: 'asc' },
  }),
  createConversation: () => ({
    body: { items: [{ role: 'user', content: 'Where?' }], metadata: { topic: 'norway' } },
  }),
  getConversation: inConversation,
  updateConversation: (scene) => ({
    ...inConversation(scene),
    body: { metadata: { topic: 'iceland' } },
  }),
  deleteConversation: inConversation,
  listConversationItems: (scene) => ({
    ...inConversation(scene),
    query: { limit: '1', after: `msg_${scene.chat.pairs[1]}` },
  }),
  createConversationItems: (scene) => ({
    ...inConversation(scene),
    body: { items: [{ role: 'user', content: 'And when?' }] },
  }),
  deleteConversationItem: ({ chat }) => ({
    path: { conversation_id: `conv_${chat.id}`, item_id: `msg_${chat.pairs[1]}` },
  }),
  getConversationItem: ({ chat }) => ({
    path: { conversation_id: `conv_${chat.id}`, item_id: `msg_q_${chat.pairs[1]}` },
  }),
  getLiveness: () => ({}),
  getReadiness: () => ({}),
  getVersion: () => ({}),
};
