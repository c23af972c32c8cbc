// Steps of the Postman collection: see ../postman-steps.mjs.
export const memorySessions = [
  {
    op: 'startSession',
    body: { session_user: ' Ada ' },
    set: { session_id: 'answer.session_id' },
    tests: { 'the name is trimmed and in lower case': "answer.session_user === 'ada'" },
  },
  { op: 'postSessionMessage', body: { role: 'user', content: 'Where does the midnight sun begin?' } },
  { op: 'postSessionMessage', name: 'Add the answer', body: { role: 'assistant', content: 'At the Arctic Circle.' } },
  { op: 'listSessionMessages', tests: { 'both, in order': "answer.map(({ role }) => role).join() === 'user,assistant'" } },
  {
    op: 'listSessionMessages',
    name: 'Only those of one role',
    query: { role: 'assistant' },
    tests: { 'one is left': 'answer.length === 1' },
  },
];

const support = { session_id: 'support-42' };
export const chatSessions = [
  { op: 'getChatSession', name: 'A session that nobody wrote to', path: support, tests: { 'it is empty': 'answer.messages.length === 0' } },
  {
    op: 'postChatSessionMessage',
    path: support,
    body: { role: 'user', content: 'Hello?' },
    tests: { 'it is in the session': "answer.messages[0].content === 'Hello?'" },
  },
  { op: 'listChatSessions', tests: { 'the list has it': "answer[0].session_id === 'support-42' && answer[0].message_count === 1" } },
  { op: 'clearChatSession', path: support, tests: { 'it is empty again': 'answer.messages.length === 0' } },
];
