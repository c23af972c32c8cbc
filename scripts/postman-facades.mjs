// The steps of the facades, as postman-steps.mjs explains them.

export const memorySessions = [
  {
    op: 'startSession',
    body: { session_user: ' Ada ' },
    set: { session_id: 'answer.session_id' },
    tests: { 'the name is trimmed and in lower case': "answer.session_user === 'ada'" },
  },
  {
    op: 'postSessionMessage',
    body: { role: 'user', content: 'Where does the midnight sun begin?' },
  },
  {
    op: 'postSessionMessage',
    name: 'Add the answer',
    body: { role: 'assistant', content: 'At the Arctic Circle.' },
  },
  {
    op: 'listSessionMessages',
    tests: { 'both, in order': "answer.map(({ role }) => role).join() === 'user,assistant'" },
  },
  {
    op: 'listSessionMessages',
    name: 'Only those of one role',
    query: { role: 'assistant' },
    tests: { 'one is left': 'answer.length === 1' },
  },
];

export const firstMessage = [
  {
    op: 'firstMessage',
    body: { text: 'Where does the midnight sun begin?', sender: 'Ada' },
    set: { chat_number: 'answer.chat_id', chat_uuid: 'answer.chat_uuid' },
    tests: { 'the chat has a number': 'Number.isInteger(answer.chat_id)' },
  },
  {
    op: 'postMessage',
    body: { chat_uuid: '{{chat_uuid}}', text: 'At the Arctic Circle.', sender: 'Bo' },
  },
  {
    op: 'postMessage',
    name: 'Add one by the number of the chat',
    body: { chat_id: '{{chat_number}}', text: 'Bo has left.', sender: 'Bo', system: true },
  },
  {
    op: 'readMessages',
    query: { chat_uuid: '{{chat_uuid}}' },
    tests: {
      'all three, oldest first': "answer.map(({ sender }) => sender).join() === 'Ada,Bo,Bo'",
    },
  },
  {
    op: 'lastMessage',
    path: { chat_uuid: '{{chat_number}}' },
    tests: { 'it is the notice': 'answer.system' },
  },
];

const support = { session_id: 'support-42' };
export const chatSessions = [
  {
    op: 'getChatSession',
    name: 'A session that nobody wrote to',
    path: support,
    tests: { 'it is empty': 'answer.messages.length === 0' },
  },
  {
    op: 'postChatSessionMessage',
    path: support,
    body: { role: 'user', content: 'Hello?' },
    tests: { 'it is in the session': "answer.messages[0].content === 'Hello?'" },
  },
  {
    op: 'listChatSessions',
    tests: {
      'the list has it': "answer[0].session_id === 'support-42' && answer[0].message_count === 1",
    },
  },
  {
    op: 'clearChatSession',
    path: support,
    tests: { 'it is empty again': 'answer.messages.length === 0' },
  },
];

const response = { response_id: '{{openai_response_id}}' };
const conversation = { conversation_id: '{{conversation_id}}' };
export const listModels = {
  op: 'listModels',
  set: { model: 'answer.data[0].id' },
  tests: { 'there is one': "answer.object === 'list' && answer.data.length > 0" },
};
export const openai = [
  listModels,
  {
    op: 'getModel',
    tests: { 'it is that one': "answer.id === pm.collectionVariables.get('model')" },
  },
  {
    op: 'createChatCompletion',
    body: {
      model: '{{model}}',
      messages: [{ role: 'user', content: 'Where does the midnight sun begin?' }],
    },
    tests: {
      'the model answered':
        "answer.choices[0].message.content.length > 0 && answer.choices[0].finish_reason === 'stop'",
      'its tokens are counted':
        'answer.usage.total_tokens === answer.usage.prompt_tokens + answer.usage.completion_tokens',
    },
  },
  {
    op: 'createChatCompletion',
    name: 'As a stream',
    body: { model: '{{model}}', messages: [{ role: 'user', content: 'Hello?' }], stream: true },
    stream: true,
    tests: { 'it ends in order': "answer.endsWith('data: [DONE]\\n\\n')" },
  },
  {
    op: 'createResponse',
    body: { model: '{{model}}', input: 'Where does the midnight sun begin?' },
    set: { openai_response_id: 'answer.id' },
    tests: {
      'the model answered':
        "answer.status === 'completed' && answer.output[0].content[0].text.length > 0",
    },
  },
  {
    op: 'createResponse',
    name: 'Go on behind it',
    body: {
      model: '{{model}}',
      input: 'And in winter?',
      previous_response_id: '{{openai_response_id}}',
    },
    tests: {
      'it is in the same branch':
        "answer.previous_response_id === pm.collectionVariables.get('openai_response_id')",
    },
  },
  {
    op: 'createResponse',
    name: 'Go on behind it again, as a stream',
    body: {
      model: '{{model}}',
      input: 'And in autumn?',
      previous_response_id: '{{openai_response_id}}',
      stream: true,
    },
    stream: true,
    tests: { 'it ends in order': "answer.includes('event: response.completed')" },
  },
  {
    op: 'countInputTokens',
    body: {
      model: '{{model}}',
      input: 'And in spring?',
      previous_response_id: '{{openai_response_id}}',
    },
    tests: { 'they are counted': 'answer.input_tokens > 0' },
  },
  {
    op: 'compactResponse',
    body: { model: '{{model}}', previous_response_id: '{{openai_response_id}}' },
    tests: { 'a summary is last': "answer.output.at(-1).type === 'compaction'" },
  },
  {
    op: 'getResponse',
    path: response,
    tests: { 'it is that one': "answer.object === 'response' && answer.status === 'completed'" },
  },
  {
    op: 'listInputItems',
    path: response,
    tests: { 'it is the question': "answer.data[0].role === 'user'" },
  },
  {
    op: 'cancelResponse',
    path: response,
    tests: { 'a finished one stays as it is': "answer.status === 'completed'" },
  },
  { op: 'deleteResponse', path: response, tests: { 'it is gone': 'answer.deleted' } },
  {
    op: 'createConversation',
    set: { conversation_id: 'answer.id' },
    tests: { 'it has its metadata': "answer.metadata.topic === 'norway'" },
  },
  {
    op: 'createConversationItems',
    path: conversation,
    tests: { 'both are there': 'answer.data.length === 2' },
  },
  {
    op: 'listConversationItems',
    path: conversation,
    set: { item_id: 'answer.first_id' },
    tests: { 'the newest first': "answer.data[0].role === 'assistant'" },
  },
  {
    op: 'getConversationItem',
    path: { ...conversation, item_id: '{{item_id}}' },
    tests: { 'it is that one': "answer.role === 'assistant'" },
  },
  {
    op: 'deleteConversationItem',
    path: { ...conversation, item_id: '{{item_id}}' },
    tests: { 'the conversation is there': "answer.object === 'conversation'" },
  },
  {
    op: 'getConversation',
    path: conversation,
    tests: { 'it is one': "answer.object === 'conversation'" },
  },
  {
    op: 'updateConversation',
    path: conversation,
    tests: { 'it is set': "answer.metadata.topic === 'iceland'" },
  },
  { op: 'deleteConversation', path: conversation, tests: { 'it is gone': 'answer.deleted' } },
];

const mcpCall = (name, args) => ({
  jsonrpc: '2.0',
  ...{ id: 1, method: 'tools/call', params: { name, arguments: args } },
});

export const mcp = [
  {
    op: 'callMcp',
    name: 'Find with a tool',
    body: mcpCall('search_chats', { q: 'midnight sun', limit: 5 }),
    stream: true,
    tests: { 'it is a result': 'answer.includes(\'"result"\')' },
  },
];

export const aiSdk = [
  {
    op: 'streamUiMessage',
    body: {
      id: 'trip-to-the-north',
      message: {
        id: 'm1',
        role: 'user',
        parts: [{ type: 'text', text: 'Where does the midnight sun begin?' }],
      },
    },
    stream: true,
    tests: { 'the stream ends': "answer.trim().endsWith('data: [DONE]')" },
  },
  {
    op: 'getUiChat',
    path: { id: 'trip-to-the-north' },
    tests: {
      'question and answer are in it':
        "answer.messages.map(({ role }) => role).join() === 'user,assistant'",
    },
  },
  {
    op: 'resumeUiMessage',
    name: 'Nothing to resume',
    path: { id: 'trip-to-the-north' },
    status: 204,
  },
  {
    op: 'stopUiMessage',
    path: { id: 'trip-to-the-north' },
    tests: { 'there was nothing to stop': 'answer.stopped === null' },
  },
];
