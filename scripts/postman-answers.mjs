// Steps about answers of models; the chat and the pair are those of the steps before them.

import { listModels } from './postman-facades.mjs';

export const answers = [
  { ...listModels, name: 'Which models this server has: those that are asked from here on' },
  {
    op: 'fanOutMessage',
    body: { models: ['{{model}}', '{{model}}'] },
    tests: {
      'two answers side by side':
        'answer.items.length === 2 && answer.items[0].chat_id !== answer.items[1].chat_id',
    },
  },
  { op: 'followAnswer', name: 'An answer as it is written: this one is there already' },
  {
    op: 'stopAnswer',
    tests: { 'a finished answer stays as it is': "answer.status === 'complete'" },
  },
  { op: 'retryAnswer', status: 409, body: {}, code: 'answer_not_retryable' },
  { op: 'redactMessage', name: 'Erase the words of that pair, for good' },
  {
    op: 'getMessage',
    name: 'It keeps its place, and has no words any more',
    tests: { 'it is redacted': "answer.status === 'redacted' && answer.response === null" },
  },
  {
    op: 'getChatUsage',
    tests: {
      'a chat has its own pairs and the conversation':
        'answer.own.answers <= answer.conversation.answers',
    },
  },
  {
    op: 'getUsage',
    tests: {
      'what was used today is in the total': 'answer.today.answers <= answer.total.answers',
    },
  },
];
