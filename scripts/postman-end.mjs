// What is done last: nothing is left of it.

export const end = [
  { op: 'deleteChat', name: 'Delete the conversation' },
  { op: 'getChat', name: 'It is gone', status: 404, code: 'chat_not_found' },
  {
    op: 'restoreChat',
    tests: { 'it is back': "answer.chat_id === pm.collectionVariables.get('chat_id')" },
  },
  {
    op: 'getChat',
    name: 'With all its words',
    tests: { 'both pairs are there': 'answer.content.qa_pairs.length === 2' },
  },
  { op: 'deleteChat', name: 'Delete it again' },
  { op: 'logout', body: { refresh_token: '{{refresh_token}}' } },
  { op: 'getMe', name: 'The token has ended with the sign-in', status: 401, code: 'unauthorized' },
];
