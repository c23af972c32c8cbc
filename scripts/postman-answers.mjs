// Steps about answers of models; the chat and the pair are those of the steps before them.

import { listModels } from './postman-facades.mjs';

const weather = {
  type: 'function',
  name: 'weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

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
  {
    op: 'addMessage',
    name: 'Ask with a tool, and say how the answer is to be made',
    body: {
      question_parts: [
        { type: 'text', text: 'Will it rain here?' },
        { type: 'data', name: 'place', value: { city: 'Bodø' } },
      ],
      settings: { instructions: 'Be brief.', temperature: 0.2, tools: [weather] },
    },
    tests: {
      'its parts are kept': "answer.question_parts[1].value.city === 'Bodø'",
      'so is how it was asked': "answer.settings.tools[0].name === 'weather'",
      'the text is that of its parts': "answer.question === 'Will it rain here?'",
    },
  },
  {
    op: 'addMessage',
    name: 'Store a call of a tool and what it gave, in one step',
    body: {
      pairs: [
        {
          question: 'Will it rain tomorrow?',
          response_parts: [
            { type: 'reasoning', text: 'The tool knows.' },
            { type: 'tool_call', call_id: 'call_1', name: 'weather', input: { city: 'Bodø' } },
          ],
        },
        {
          question_parts: [{ type: 'tool_result', call_id: 'call_1', output: { rain: false } }],
          response: 'It stays dry.',
        },
      ],
    },
    tests: {
      'both are there':
        "answer.qa_pairs.map(({ response }) => response).join() === ',It stays dry.'",
      'the result is that of the call':
        'answer.qa_pairs[1].question_parts[0].call_id === answer.qa_pairs[0].response_parts[1].call_id',
    },
  },
];
