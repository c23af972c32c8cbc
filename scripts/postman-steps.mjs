// What postman_collection.json does, from top to bottom. Each step names an operation of openapi.json.
// Its first example is the body unless the step has one; ids in the path are variables of that name.
//
// status     what must be answered; the status of success when absent
// code       the code of the problem that must be answered
// set        variables to take from the answer: name → expression about `answer`
// tests      further assertions: sentence → expression about `answer` that must be true
// stream     the answer is an event stream, and `answer` its text
// before     a line that runs before the request

import { auth } from './postman-auth.mjs';
import { answers } from './postman-answers.mjs';
import {
  aiSdk,
  chatSessions,
  firstMessage,
  mcp,
  memorySessions,
  openai,
} from './postman-facades.mjs';
import { files, openAiFiles } from './postman-files.mjs';
import { end } from './postman-end.mjs';
import { agUi, aui } from './postman-pages.mjs';
import { events, health, nobody } from './postman-service.mjs';
import { shares, shareVariables } from './postman-shares.mjs';
import { transfer } from './postman-transfer.mjs';
import { webhooks } from './postman-webhooks.mjs';

const branchId = { chat_id: '{{branch_chat_id}}' };
const root = { chat_id: '{{chat_id}}' };

export const VARIABLES = {
  base_url: 'http://127.0.0.1:3000',
  email: '',
  password: 'four small blue boats',
  access_token: '',
  refresh_token: '',
  api_key_id: '',
  webhook_id: '',
  import_id: '',
  file_id: '',
  openai_file_id: '',
  session_id: '',
  chat_number: '',
  chat_uuid: '',
  chat_id: '',
  etag: '',
  response_id: '',
  last_response_id: '',
  branch_chat_id: '',
  idempotency_key: '',
  model: 'offline',
  openai_response_id: '',
  conversation_id: '',
  ...shareVariables,
  item_id: '',
  aui_message_id: '',
};

const chats = [
  {
    op: 'createChat',
    set: { chat_id: 'answer.chat_id' },
    tests: {
      'it is a root, and active': 'answer.chat_id === answer.root_chat_id && answer.active',
    },
  },
  {
    op: 'listChats',
    query: { limit: '10' },
    tests: {
      'the list has it': "answer.items[0].chat_id === pm.collectionVariables.get('chat_id')",
    },
  },
  {
    op: 'getChat',
    set: { etag: "pm.response.headers.get('ETag')" },
    tests: { 'it has no pairs yet': 'answer.content.qa_pairs.length === 0' },
  },
  {
    op: 'getChat',
    name: 'The same again, unchanged',
    headers: { 'If-None-Match': '{{etag}}' },
    status: 304,
  },
  {
    op: 'updateChat',
    headers: { 'If-Match': '{{etag}}' },
    body: { name: 'Trip to Norway, in June', pinned: true },
    tests: {
      'it is renamed and pinned': "answer.name === 'Trip to Norway, in June' && answer.pinned",
    },
  },
];

const messages = [
  {
    op: 'addMessage',
    name: 'Add a question with its response',
    set: { response_id: 'answer.response_id' },
    tests: {
      'it is the first pair': 'answer.seq === 1',
      'its words are kept': "answer.response === 'At the Arctic Circle.'",
      'Content-State says where the words are':
        "['stored', 'journaled'].includes(pm.response.headers.get('Content-State'))",
    },
  },
  {
    op: 'addMessage',
    name: 'Ask the model',
    body: { question: 'And when is the best time to see it?' },
    set: { last_response_id: 'answer.response_id' },
    tests: { 'the model answered': "answer.status === 'complete' && answer.response.length > 0" },
  },
  {
    op: 'addMessage',
    name: 'Add code, with an Idempotency-Key',
    before:
      "pm.collectionVariables.set('idempotency_key', pm.variables.replaceIn('{{$randomUUID}}'));",
    headers: { 'Idempotency-Key': '{{idempotency_key}}' },
    body: {
      question: 'days(from, to)',
      response: 'It breaks when the clocks change.',
      message_type: 'code',
      metadata: { language: 'typescript' },
    },
    set: { last_response_id: 'answer.response_id' },
  },
  {
    op: 'addMessage',
    name: 'The same once more: it is done once',
    headers: { 'Idempotency-Key': '{{idempotency_key}}' },
    body: {
      question: 'days(from, to)',
      response: 'It breaks when the clocks change.',
      message_type: 'code',
      metadata: { language: 'typescript' },
    },
    tests: {
      'it is the pair of before':
        "answer.response_id === pm.collectionVariables.get('last_response_id')",
      'it is told so': "pm.response.headers.get('Idempotent-Replayed') === 'true'",
    },
  },
  {
    op: 'listMessages',
    query: { limit: '2' },
    tests: {
      'the newest two, in order': "answer.qa_pairs.map(({ seq }) => seq).join() === '2,3'",
      'Link leads to the page before': "pm.response.headers.get('Link').includes('rel=\"prev\"')",
    },
  },
  { op: 'getMessage', tests: { 'it has no siblings': 'answer.siblings.length === 1' } },
  {
    op: 'search',
    query: { q: 'midnight' },
    tests: {
      'what was just said is found': 'answer.items.length > 0',
      'the hit says what of it': 'answer.items[0].highlight.question.ranges.length > 0',
    },
  },
  {
    op: 'getSummary',
    tests: {
      'three pairs, all of its own':
        'answer.counts.pairs.own === 3 && answer.counts.pairs.inherited === 0',
      'it quotes what was said': 'answer.highlights.length > 0',
    },
  },
];

const branches = [
  {
    op: 'createBranch',
    body: { response_id: '{{response_id}}', name: 'What if we go in winter?' },
    set: { branch_chat_id: 'answer.chat_id' },
    tests: {
      'it hangs under the chat that owns the pair':
        "answer.parent_chat_id === pm.collectionVariables.get('chat_id')",
      'it inherits one pair': 'answer.fork_seq === 1 && answer.message_count === 1',
    },
  },
  {
    op: 'getBranches',
    tests: {
      'two chats, the root active':
        "answer.total === 2 && answer.active_chat_id === pm.collectionVariables.get('chat_id')",
      'the branch is the child of the root':
        "answer.tree.children[0].chat_id === pm.collectionVariables.get('branch_chat_id')",
    },
  },
  {
    op: 'setActiveBranch',
    body: { branch_chat_id: '{{branch_chat_id}}' },
    tests: {
      'the branch is active':
        "answer.active_chat_id === pm.collectionVariables.get('branch_chat_id')",
    },
  },
  {
    op: 'addMessage',
    name: 'Post to the active branch, by the id of the root',
    query: { branch: 'active' },
    body: { question: 'What if we go in winter?', response: 'There is no sun at all.' },
    tests: {
      'it went to the branch':
        "answer.chat_id === pm.collectionVariables.get('branch_chat_id') && answer.seq === 2",
    },
  },
  {
    op: 'getChat',
    name: 'Read the branch',
    path: branchId,
    tests: {
      'the inherited pair and its own':
        "answer.content.qa_pairs.map(({ question }) => question).join('|') === 'Where does the midnight sun begin?|What if we go in winter?'",
    },
  },
  {
    op: 'getChat',
    name: 'Read the parent: nothing changed under it',
    tests: {
      'its own three pairs': 'answer.content.qa_pairs.length === 3 && !answer.active',
      'the branch is shown at its pair':
        "answer.content.qa_pairs[0].branches.join() === pm.collectionVariables.get('branch_chat_id')",
    },
  },
  {
    op: 'compareChats',
    query: { with: '{{branch_chat_id}}' },
    tests: {
      'they share the first pair':
        "answer.common.response_id === pm.collectionVariables.get('response_id')",
      'then each goes its way':
        'answer.left.qa_pairs.length === 2 && answer.right.qa_pairs.length === 1',
    },
  },
  {
    op: 'editMessage',
    body: { question: 'Where does the polar night begin?', response: 'A little further north.' },
    tests: {
      'it is the first pair of a new branch':
        "answer.seq === 1 && answer.chat_id !== pm.collectionVariables.get('chat_id')",
    },
  },
  {
    op: 'regenerateMessage',
    body: { response: 'At 66 degrees and 34 minutes north.' },
    tests: {
      'the question is the same':
        "answer.question === 'Where does the midnight sun begin?' && answer.seq === 1",
    },
  },
  {
    op: 'getMessage',
    name: 'One pair, now with two siblings',
    tests: { 'three continuations of the same place': 'answer.siblings.length === 3' },
  },
  ...answers,
];

const verbs = [
  { op: 'createChatVerb', set: { chat_id: 'answer.chat_id' } },
  {
    op: 'addMessageVerb',
    body: { ...root, question: 'One?', response: 'One.' },
    set: { response_id: 'answer.response_id' },
  },
  {
    op: 'addMessageVerb',
    name: 'Add another question',
    body: { ...root, question: 'Two?', response: 'Two.' },
    tests: { 'it comes next': 'answer.seq === 2' },
  },
  {
    op: 'createBranchVerb',
    body: { ...root, response_id: '{{response_id}}', name: 'Aside' },
    set: { branch_chat_id: 'answer.chat_id' },
  },
  { op: 'getBranchesVerb', query: root, tests: { 'two chats': 'answer.total === 2' } },
  { op: 'setActiveBranchVerb', body: { ...root, branch_chat_id: '{{branch_chat_id}}' } },
  {
    op: 'getChatVerb',
    query: branchId,
    tests: {
      'it is active and inherits one pair': 'answer.active && answer.content.qa_pairs.length === 1',
    },
  },
  {
    op: 'updateChatVerb',
    body: { ...root, archived: true },
    tests: { 'it is archived': 'answer.archived' },
  },
  { op: 'deleteChatVerb', query: { ...branchId, children: 'keep' } },
];

const errors = [
  { op: 'listChats', name: 'Without a token', noauth: true, status: 401, code: 'unauthorized' },
  {
    op: 'login',
    name: 'With a wrong password',
    body: { email: '{{email}}', password: 'not this one at all' },
    status: 401,
    code: 'invalid_credentials',
  },
  {
    op: 'register',
    name: 'With an e-mail that is taken',
    body: { email: '{{email}}', password: '{{password}}' },
    status: 409,
    code: 'email_taken',
  },
  {
    op: 'getChat',
    name: 'A chat of nobody',
    path: { chat_id: nobody },
    status: 404,
    code: 'chat_not_found',
  },
  {
    op: 'getChat',
    name: 'An id that is none',
    path: { chat_id: 'seven' },
    status: 422,
    code: 'validation_failed',
  },
  {
    op: 'createBranch',
    name: 'A pair that is not on the path',
    body: { response_id: nobody },
    status: 404,
    code: 'message_not_found',
  },
  {
    op: 'addMessage',
    name: 'A question without words',
    body: { question: ' ' },
    status: 422,
    code: 'validation_failed',
    tests: { 'it names the field': "answer.errors[0].path === 'question'" },
  },
  {
    op: 'addMessage',
    name: 'A field that does not exist',
    body: { question: 'q', colour: 'blue' },
    status: 422,
    code: 'validation_failed',
  },
  { op: 'addMessage', name: 'No JSON', raw: '{"question":', status: 400, code: 'invalid_json' },
  {
    op: 'addMessage',
    name: 'No JSON by its own words',
    raw: 'question=q',
    headers: { 'Content-Type': 'text/plain' },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    op: 'addMessage',
    name: 'Behind a pair that is no longer the last',
    body: { question: 'q', response: 'r', parent_response_id: '{{response_id}}' },
    status: 409,
    code: 'branch_head_moved',
    tests: { 'it names the head': 'answer.head.seq === 2' },
  },
  {
    op: 'updateChat',
    name: 'With a stale If-Match',
    headers: { 'If-Match': '"0"' },
    body: { pinned: true },
    status: 412,
    code: 'revision_stale',
  },
];

/** Folders, in the order in which they run. Those named like a tag have its description. */
export const FOLDERS = {
  auth,
  chats,
  messages,
  branches,
  shares,
  transfer,
  events,
  files,
  webhooks,
  'verb routes': verbs,
  'sessions in memory': memorySessions,
  'first message': firstMessage,
  'chat sessions': chatSessions,
  openai: [...openai, ...openAiFiles],
  'AI SDK': aiSdk,
  MCP: mcp,
  'AG-UI': agUi,
  'Assistant Cloud': aui,
  health,
  errors,
  'the end': end,
};
