// The steps of events, and of the state of the server.

// An id that nobody has.
export const nobody = '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b';

export const events = [
  { op: 'createEventTicket', tests: { 'it is a ticket': "answer.ticket.startsWith('btk_')" } },
  {
    op: 'streamEvents',
    name: 'The stream of a chat of nobody (a real one would not end)',
    query: { chat_id: nobody },
    status: 404,
    code: 'chat_not_found',
  },
];

export const health = [
  { op: 'getLiveness', tests: { 'it lives': "answer.status === 'ok'" } },
  { op: 'getReadiness', tests: { 'it is ready': "['ready', 'degraded'].includes(answer.status)" } },
  { op: 'getVersion' },
];
