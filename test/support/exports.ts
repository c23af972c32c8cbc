/** Files of other programs, made up by us from the fields that they are known to have. */

type Json = Record<string, unknown>;

const START = 1_700_000_000;

export interface Said {
  id: string;
  parent: string | null;
  role?: 'user' | 'assistant' | 'system' | 'tool';
  text?: string;
  content?: Json;
  metadata?: Json;
  recipient?: string;
  /** Seconds behind the beginning. */
  at?: number | null;
  model?: string;
}

/** A conversation as ChatGPT exports it. */
export function chatGpt(id: string, said: Said[], more: Json = {}): Json {
  const mapping = Object.fromEntries(
    said.map((one) => [
      one.id,
      {
        id: one.id,
        parent: one.parent,
        children: said.filter(({ parent }) => parent === one.id).map((child) => child.id),
        message: one.role === undefined ? null : chatGptMessage(one),
      },
    ]),
  );
  return {
    title: `Chat ${id}`,
    create_time: START + 0.25,
    update_time: START + 900,
    mapping,
    current_node: said.at(-1)?.id,
    conversation_id: id,
    id,
    is_archived: false,
    ...more,
  };
}

const chatGptMessage = ({
  id,
  role,
  text,
  content,
  metadata,
  recipient,
  at,
  model,
}: Said): Json => ({
  id,
  author: { role, name: role === 'tool' ? 'python' : null, metadata: {} },
  create_time: at === null ? null : START + (at ?? 0),
  content: content ?? { content_type: 'text', parts: [text ?? ''] },
  status: 'finished_successfully',
  end_turn: true,
  weight: 1,
  metadata: { ...(model && { model_slug: model }), ...metadata },
  recipient: recipient ?? 'all',
});

/**
 * Two edits of the second question, two answers to the first, a tool, reasoning, a picture, a
 * hidden message in the middle, children before their parents, and equal times.
 */
export const oddChatGpt = (): Json =>
  chatGpt(
    '11111111-1111-4111-8111-111111111111',
    [
      { id: 'a2', parent: 'q1', role: 'assistant', text: 'South.', at: 5, model: 'gpt-4o' },
      { id: 'root', parent: null },
      { id: 'hidden', parent: 'root', role: 'system', text: '' },
      {
        id: 'rules',
        parent: 'hidden',
        role: 'user',
        content: {
          content_type: 'user_editable_context',
          user_profile: 'I sail.',
          user_instructions: '',
        },
        metadata: { is_visually_hidden_from_conversation: true },
      },
      { id: 'q1', parent: 'rules', role: 'user', text: 'Which way?', at: 5 },
      { id: 'a1', parent: 'q1', role: 'assistant', text: 'North.', at: 5, model: 'gpt-4o' },
      { id: 'silent', parent: 'a1', role: 'system', text: '', at: 5 },
      {
        id: 'q2',
        parent: 'silent',
        role: 'user',
        at: 60,
        content: {
          content_type: 'multimodal_text',
          parts: [
            {
              content_type: 'image_asset_pointer',
              asset_pointer: 'file-service://file-Map1',
              size_bytes: 68,
            },
            'What is on this map?',
          ],
        },
        metadata: {
          attachments: [
            { id: 'file-Map1', name: 'map.png' },
            { id: 'file-Gone', name: 'gone.pdf' },
          ],
        },
      },
      {
        id: 'think',
        parent: 'q2',
        role: 'assistant',
        at: 61,
        model: 'o3',
        content: { content_type: 'thoughts', thoughts: [{ summary: 'Look', content: 'A coast.' }] },
      },
      {
        id: 'call',
        parent: 'think',
        role: 'assistant',
        at: 62,
        model: 'o3',
        recipient: 'python',
        content: {
          content_type: 'code',
          language: 'json',
          text: '{"n": 12345678901234567890, "x": 1.50}',
        },
      },
      {
        id: 'result',
        parent: 'call',
        role: 'tool',
        at: 63,
        content: { content_type: 'execution_output', text: '42' },
      },
      {
        id: 'a3',
        parent: 'result',
        role: 'assistant',
        at: 64,
        model: 'o3',
        text: 'Norway.',
        metadata: {
          citations: [
            { metadata: { type: 'webpage', title: 'Maps', url: 'https://maps.example' } },
          ],
        },
      },
      { id: 'q2b', parent: 'silent', role: 'user', text: 'And by train?', at: 60 },
      {
        id: 'odd',
        parent: 'q2b',
        role: 'assistant',
        at: 70,
        content: { content_type: 'from_the_future', what: 1 },
      },
    ],
    { current_node: 'a3', is_starred: true, default_model_slug: 'gpt-4o' },
  );

/** What is wrong with trees: a parent that is missing, a circle, one who is its own parent. */
export const brokenChatGpt = (): Json =>
  chatGpt('22222222-2222-4222-8222-222222222222', [
    { id: 'lost', parent: 'nobody', role: 'user', text: 'Lost' },
    { id: 'one', parent: 'two', role: 'user', text: 'One' },
    { id: 'two', parent: 'one', role: 'assistant', text: 'Two' },
    { id: 'self', parent: 'self', role: 'user', text: 'Self' },
    { id: 'cut', parent: null, role: 'user', text: 'half of a \ud83d smile, and \u0000' },
  ]);

export const claude = (): Json => ({
  uuid: '33333333-3333-4333-8333-333333333333',
  name: 'Boats',
  summary: '',
  created_at: '2025-03-01T10:00:00.000000Z',
  updated_at: '2025-03-01T11:00:00.000000Z',
  account: { uuid: 'x' },
  chat_messages: [
    claudeMessage('h1', '00000000-0000-4000-8000-000000000000', 'human', 0, [text('Draw a boat')]),
    claudeMessage('a1', 'h1', 'assistant', 1, [
      { type: 'thinking', thinking: 'A hull first.', signature: 'abc' },
      { type: 'tool_use', name: 'artifacts', input: { id: 'boat', n: 1.5 } },
      { type: 'tool_result', name: 'artifacts', content: [text('OK')], is_error: false },
      text('Here it is.'),
    ]),
    claudeMessage('a1b', 'h1', 'assistant', 2, [text('No.'), { type: 'flag', flag: 'odd' }]),
    {
      ...claudeMessage('h2', 'a1', 'human', 3, []),
      attachments: [
        { file_name: 'plan.txt', file_size: 4, file_type: 'txt', extracted_content: 'Plan of it' },
      ],
      files: [{ file_uuid: 'f1', file_name: 'plan.png' }],
    },
    claudeMessage('a2', 'h2', 'assistant', 4, [text('A good plan.')]),
  ],
});

/** As older exports are: without parents, `text` alone. */
export const flatClaude = (): Json => ({
  uuid: '44444444-4444-4444-8444-444444444444',
  name: '',
  created_at: '2024-03-01T10:00:00Z',
  updated_at: '2024-03-01T10:00:00Z',
  chat_messages: ['Hello', 'Hi', 'Bye', 'See you'].map((said, n) => ({
    uuid: `m${n}`,
    text: said,
    sender: n % 2 === 0 ? 'human' : 'assistant',
    created_at: '2024-03-01T10:00:00Z',
    attachments: [],
    files: [],
  })),
});

const text = (said: string): Json => ({ type: 'text', text: said });
const claudeMessage = (
  uuid: string,
  parent: string,
  sender: string,
  minute: number,
  content: Json[],
): Json => ({
  uuid,
  text: content.map((block) => block['text'] ?? '').join(''),
  content,
  sender,
  created_at: `2025-03-01T10:0${minute}:00.000000Z`,
  updated_at: `2025-03-01T10:0${minute}:00.000000Z`,
  attachments: [],
  files: [],
  parent_message_uuid: parent,
});

const LIBRE: Json[] = [
  {
    messageId: 'u1',
    parentMessageId: '00000000-0000-0000-0000-000000000000',
    isCreatedByUser: true,
    text: 'Tea?',
  },
  { messageId: 'r1', parentMessageId: 'u1', text: 'Green.', model: 'gpt-4o', tokenCount: 3 },
  { messageId: 'r2', parentMessageId: 'u1', text: 'Black.', model: 'claude', tokenCount: 2 },
  { messageId: 'u2', parentMessageId: 'r1', isCreatedByUser: true, text: 'How hot?' },
  {
    messageId: 'r3',
    parentMessageId: 'u2',
    model: 'gpt-4o',
    content: [
      { type: 'think', think: 'Not boiling.' },
      {
        type: 'tool_call',
        tool_call: { id: 'c1', name: 'kettle', args: '{"to":80}', output: '80', type: 'tool_call' },
      },
      { type: 'text', text: '80 degrees.' },
    ],
  },
].map((message, n) => ({
  isCreatedByUser: false,
  sender: 'x',
  createdAt: `2025-05-01T10:0${n}:00.000Z`,
  ...message,
}));

/** Flat, or as a tree of children. */
export function libreChat(isTree: boolean): Json {
  const nested = (parent: unknown): Json[] =>
    LIBRE.filter((one) => one['parentMessageId'] === parent).map((one) => ({
      ...one,
      children: nested(one['messageId']),
    }));
  return {
    conversationId: 'libre-1',
    endpoint: 'openAI',
    title: 'Tea',
    exportAt: '10:00:00 GMT+0000',
    branches: true,
    recursive: isTree,
    options: { model: 'gpt-4o', promptPrefix: 'Be brief.' },
    ...(isTree
      ? { messagesTree: nested('00000000-0000-0000-0000-000000000000') }
      : { messages: LIBRE }),
  };
}

export const openWebUi = (): Json => {
  const said: Json[] = [
    {
      id: 'q1',
      parentId: null,
      childrenIds: ['a1', 'a2'],
      role: 'user',
      content: 'A rhyme?',
      timestamp: START,
    },
    {
      id: 'a1',
      parentId: 'q1',
      childrenIds: [],
      role: 'assistant',
      model: 'llama3',
      content:
        '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n&gt; Sea &amp; me.\n</details>\nThe sea, the bee.',
      timestamp: START + 1,
      usage: { prompt_tokens: 5, completion_tokens: 7 },
    },
    {
      id: 'a2',
      parentId: 'q1',
      childrenIds: ['q2'],
      role: 'assistant',
      model: 'qwen',
      content: 'flattened',
      output: [
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] },
        { type: 'function_call', call_id: 'c1', name: 'rhymes', arguments: '{"word":"sea"}' },
        {
          type: 'function_call_output',
          call_id: 'c1',
          output: [{ type: 'input_text', text: 'bee' }],
        },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Bee.' }] },
      ],
      timestamp: START + 1,
    },
    {
      id: 'q2',
      parentId: 'a2',
      childrenIds: [],
      role: 'user',
      content: 'More',
      timestamp: START + 9,
      files: [{ type: 'image', url: `data:image/png;base64,${PNG.toString('base64')}` }],
    },
  ];
  return {
    id: 'owui-1',
    user_id: 'u',
    title: 'Rhymes',
    chat: {
      title: 'Rhymes',
      models: ['llama3'],
      params: { system: 'Speak in rhymes.' },
      history: {
        currentId: 'a1',
        messages: Object.fromEntries(said.map((one) => [one['id'], one])),
      },
    },
    created_at: START,
    updated_at: START + 9,
    archived: true,
    pinned: true,
  };
};

/** One point, white. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==',
  'base64',
);

/** The conversations of a large export, as pieces of its JSON: so many messages, some branches. */
export function* largeChatGpt(
  conversations: number,
  messages: number,
  bytesOfMessage: number,
): Generator<string> {
  const words = 'The quick brown fox jumps over the lazy dog, and æøå 🦊 too. ';
  for (let c = 0; c < conversations; c++) {
    const said: Said[] = [{ id: 'root', parent: null }];
    for (let n = 0; n < messages; n++) {
      const parent = n === 0 ? 'root' : `m${n % 20 === 19 ? n - 3 : n - 1}`;
      const role = n % 2 === 0 ? 'user' : 'assistant';
      const said1 = `${n}: ${words.repeat(Math.ceil(bytesOfMessage / words.length))}`;
      said.push({ id: `m${n}`, parent, role, text: said1, at: n, model: 'gpt-4o' });
    }
    const id = `${String(c).padStart(8, '0')}-0000-4000-8000-000000000000`;
    yield `${c === 0 ? '[' : ','}${JSON.stringify(fast(id, said))}`;
  }
  yield ']';
}

/** As `chatGpt`, for many messages. */
function fast(id: string, said: Said[]): Json {
  const children = new Map<string | null, string[]>();
  for (const { id: own, parent } of said) {
    const others = children.get(parent);
    if (others) others.push(own);
    else children.set(parent, [own]);
  }
  const made = chatGpt(id, []);
  made['mapping'] = Object.fromEntries(
    said.map((one) => [
      one.id,
      {
        id: one.id,
        parent: one.parent,
        children: children.get(one.id) ?? [],
        message: one.role === undefined ? null : chatGptMessage(one),
      },
    ]),
  );
  made['current_node'] = said.at(-1)!.id;
  return made;
}
