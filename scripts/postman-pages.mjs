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
