// Protocols of pages: see postman-steps.mjs.

const saidByAda = { id: 'm1', role: 'user', content: 'Where does the midnight sun begin?' };
const aThread = { threadId: 'trip-by-ag-ui', runId: 'run-1' };

export const agUi = [
  {
    op: 'runAgent',
    body: { ...aThread, messages: [saidByAda] },
    stream: true,
    tests: { 'the run has its end': "answer.includes('RUN_FINISHED')" },
  },
  {
    op: 'connectAgent',
    body: { ...aThread, messages: [] },
    stream: true,
    tests: { 'what was said is in it': "answer.includes('MESSAGES_SNAPSHOT')" },
  },
  {
    op: 'listThreads',
    tests: { 'the thread is in it': "answer.threads.some(({ id }) => id === 'trip-by-ag-ui')" },
  },
  {
    op: 'getThreadMessages',
    path: { thread_id: 'trip-by-ag-ui' },
    tests: {
      'question and answer are in it':
        "answer.messages.map(({ role }) => role).join() === 'user,assistant'",
    },
  },
  {
    op: 'stopThread',
    path: { thread_id: 'trip-by-ag-ui' },
    tests: { 'there was nothing to stop': 'answer.stopped === null' },
  },
];

const auiThread = { thread_id: 'trip-by-aui' };
const auiMessage = (role, text) => ({ role, content: [{ type: 'text', text }] });

export const aui = [
  {
    op: 'createAuiThread',
    body: {
      title: 'Trip',
      external_id: 'trip-by-aui',
      last_message_at: '2026-11-29T00:00:00.000Z',
    },
    tests: { 'it has an id': 'answer.thread_id.length === 36' },
  },
  {
    op: 'getAuiThread',
    path: auiThread,
    tests: { 'it has its title': "answer.thread.title === 'Trip'" },
  },
  { op: 'updateAuiThread', path: auiThread, body: { title: 'Trip to the north' } },
  {
    op: 'listAuiThreads',
    tests: { 'it is in it': "answer.threads.some(({ title }) => title === 'Trip to the north')" },
  },
  {
    op: 'createAuiMessage',
    path: auiThread,
    body: { parent_id: null, format: 'aui/v0', content: auiMessage('user', 'Where?') },
    set: { aui_message_id: 'answer.message_id' },
  },
  {
    op: 'createAuiMessage',
    name: 'Keep its answer',
    path: auiThread,
    body: {
      parent_id: '{{aui_message_id}}',
      ...{ format: 'aui/v0', content: auiMessage('assistant', 'There.') },
    },
    set: { aui_message_id: 'answer.message_id' },
  },
  {
    op: 'updateAuiMessage',
    path: { ...auiThread, message_id: '{{aui_message_id}}' },
    body: { content: auiMessage('assistant', 'Up there.') },
  },
  {
    op: 'holdAuiRun',
    path: { ...auiThread, lease_id: '{{aui_message_id}}' },
    tests: { 'it says when to come again': 'answer.heartbeat_interval_ms > 0' },
  },
  {
    op: 'endAuiRun',
    path: { ...auiThread, lease_id: '{{aui_message_id}}' },
    body: { reason: 'done' },
  },
  {
    op: 'listAuiMessages',
    path: auiThread,
    tests: { 'both are in it': 'answer.messages.length === 2' },
  },
  {
    op: 'streamAuiRun',
    body: {
      ...{ ...auiThread, assistant_id: 'system/thread_title' },
      messages: [auiMessage('user', 'Where?')],
    },
    stream: true,
    tests: { 'it is a title': "answer === 'Where?'" },
  },
  {
    op: 'deleteAuiMessages',
    path: auiThread,
    body: { message_ids: ['{{aui_message_id}}'] },
  },
  { op: 'deleteAuiThread', path: auiThread },
];
