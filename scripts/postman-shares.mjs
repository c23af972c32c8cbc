// Steps about what a branch found, and links to branches; the chats are those of the steps before.

export const shareVariables = { share_id: '', share_token: '' };

export const shares = [
  {
    op: 'mergeBranch',
    body: { from_chat_id: '{{branch_chat_id}}', mode: 'summary', text: 'In winter it is dark.' },
    tests: {
      'it says where it comes from':
        "answer.qa_pairs[0].metadata.merged_from.chat_id === pm.collectionVariables.get('branch_chat_id')",
    },
  },
  {
    op: 'shareChat',
    body: {},
    set: { share_id: 'answer.share_id', share_token: 'answer.token' },
    tests: {
      'it ends at the newest pair': 'answer.follow === false && answer.response_id !== null',
    },
  },
  {
    op: 'listShares',
    tests: { 'the token is not told again': 'answer.items[0].token === undefined' },
  },
  {
    op: 'readShared',
    path: { token: '{{share_token}}' },
    tests: { 'anybody reads it from the first pair on': 'answer.qa_pairs[0].seq === 1' },
  },
  { op: 'endShare' },
  {
    op: 'readShared',
    name: 'It shows nothing any more',
    path: { token: '{{share_token}}' },
    status: 404,
    code: 'share_not_found',
  },
];
