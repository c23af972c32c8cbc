/** A request body that works as it stands, but for ids, which are those of nobody. */
interface Example {
  summary: string;
  value: Record<string, unknown>;
}

const CHAT_ID = '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b';
const BRANCH_ID = '019aa1b4-1f2e-7d3c-8b4a-5c6d7e8f9a0b';
const RESPONSE_ID = '019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d';

const updates: Record<string, Example> = {
  rename: { summary: 'Rename', value: { name: 'Trip to Iceland' } },
  pin: { summary: 'Pin the conversation', value: { pinned: true } },
  activate: { summary: 'Make it the active branch', value: { active: true } },
};
const messages: Record<string, Example> = {
  stored: {
    summary: 'A question with its response',
    value: { question: 'Where does the midnight sun begin?', response: 'At the Arctic Circle.' },
  },
  asked: {
    summary: 'A question to the model',
    value: { question: 'And when is the best time to see it?' },
  },
  streamed: {
    summary: 'The same, as it is written',
    value: { question: 'And when is the best time to see it?', stream: true },
  },
  noted: {
    summary: 'A question without a response',
    value: { question: 'Remember: book the night train.', response: null },
  },
  link: {
    summary: 'A link',
    value: {
      question: 'What do they say about Lofoten?',
      response: 'That it is worth the detour.',
      message_type: 'link',
      metadata: { url: 'https://example.com/lofoten', title: 'Lofoten in June' },
    },
  },
  code: {
    summary: 'Code',
    value: {
      question: 'const days = (to - from) / 86_400_000;',
      response: 'It breaks when the clocks change.',
      message_type: 'code',
      metadata: { language: 'typescript', filename: 'days.ts' },
    },
  },
};
const branches: Record<string, Example> = {
  named: {
    summary: 'From a pair',
    value: { response_id: RESPONSE_ID, name: 'What if we go in winter?' },
  },
  active: {
    summary: 'From a pair, and go there',
    value: { response_id: RESPONSE_ID, name: 'What if we go in winter?', activate: true },
  },
  first: { summary: 'Before the first pair', value: { response_id: null } },
};

/**
 * Examples of request bodies, by the name of their schema. Where there are none, Swagger UI makes
 * one from the fields.
 */
export const EXAMPLES: Readonly<Record<string, Readonly<Record<string, Example>>>> = {
  RegisterDto: {
    named: {
      summary: 'With a name',
      value: { email: 'ada@example.com', password: 'four small blue boats', name: 'Ada' },
    },
    bare: {
      summary: 'Without a name',
      value: { email: 'ada@example.com', password: 'four small blue boats' },
    },
  },
  LoginDto: {
    ada: { summary: 'Ada', value: { email: 'ada@example.com', password: 'four small blue boats' } },
  },
  CreateChatDto: {
    named: { summary: 'With a name', value: { name: 'Trip to Norway' } },
    prompted: {
      summary: 'With a system prompt',
      value: { name: 'Trip to Norway', system_prompt: 'You are a patient guide.' },
    },
    temporary: { summary: 'That leaves no trace', value: { chat_type: 'temporary' } },
  },
  UpdateChatDto: updates,
  UpdateChatByBodyDto: withId(updates),
  AddMessageDto: messages,
  AddMessageByBodyDto: withId(messages),
  EditMessageDto: {
    asked: { summary: 'Another question, to the model', value: { question: 'And in winter?' } },
    stored: {
      summary: 'With its response',
      value: { question: 'And in winter?', response: 'There is no sun at all.' },
    },
  },
  RegenerateMessageDto: {
    asked: { summary: 'By the model', value: {} },
    stored: { summary: 'Given', value: { response: 'A little north of Bodø.' } },
  },
  CreateAuiMessageDto: {
    first: {
      summary: 'Begins a thread',
      value: {
        parent_id: null,
        format: 'aui/v0',
        content: { role: 'user', content: 'Where is the midnight sun?' },
      },
    },
  },
  UpdateAuiMessageDto: {
    said: {
      summary: 'In its place',
      value: { content: { role: 'assistant', content: 'A little north of Bodø.' } },
    },
  },
  DeleteAuiMessagesDto: {
    question: {
      summary: 'The question of a pair',
      value: { message_ids: [`${RESPONSE_ID}-question`] },
    },
  },
  FanOutDto: { two: { summary: 'Two models', value: { models: ['gpt-5-mini', 'gpt-5'] } } },
  RetryMessageDto: {
    whole: { summary: 'The whole answer', value: {} },
    streamed: { summary: 'As it is written', value: { stream: true } },
  },
  CreateBranchDto: branches,
  CreateBranchByBodyDto: withId(branches),
  ActiveBranchDto: { branch: { summary: 'A branch', value: { branch_chat_id: BRANCH_ID } } },
  ActiveBranchByBodyDto: {
    branch: { summary: 'A branch', value: { chat_id: CHAT_ID, branch_chat_id: BRANCH_ID } },
  },
  CreateChatCompletionDto: {
    asked: {
      summary: 'A question',
      value: {
        model: 'offline',
        messages: [{ role: 'user', content: 'Where does the midnight sun begin?' }],
      },
    },
    streamed: {
      summary: 'As a stream, with instructions',
      value: {
        model: 'offline',
        messages: [
          { role: 'system', content: 'You are a patient guide.' },
          {
            role: 'user',
            content: [{ type: 'text', text: 'And when is the best time to see it?' }],
          },
        ],
        stream: true,
        stream_options: { include_usage: true },
      },
    },
  },
  CreateWebhookDto: {
    all: { summary: 'Of everything', value: { url: 'https://example.com/banyan' } },
    some: {
      summary: 'Of new answers',
      value: {
        url: 'https://example.com/banyan',
        events: ['message.completed'],
        description: 'tells the archive',
      },
    },
  },
  UpdateWebhookDto: {
    pause: { summary: 'Disable it', value: { enabled: false } },
    moved: { summary: 'Another address', value: { url: 'https://example.com/banyan/v2' } },
  },
  CreateResponseDto: {
    asked: {
      summary: 'A question, in a new chat',
      value: { model: 'offline', input: 'Where does the midnight sun begin?' },
    },
    streamed: {
      summary: 'What was said so far, as a stream',
      value: {
        model: 'offline',
        instructions: 'You are a patient guide.',
        input: [
          { role: 'user', content: 'Where does the midnight sun begin?' },
          { role: 'assistant', content: 'At the Arctic Circle.' },
          { role: 'user', content: 'And when is the best time to see it?' },
        ],
        stream: true,
      },
    },
    direct: {
      summary: 'Without a trace',
      value: { model: 'offline', input: 'Where does the midnight sun begin?', store: false },
    },
  },
  CreateConversationDto: {
    noted: { summary: 'An empty one', value: { metadata: { topic: 'norway' } } },
    told: {
      summary: 'With what was said so far',
      value: {
        items: [
          { role: 'user', content: 'Where does the midnight sun begin?' },
          { role: 'assistant', content: 'At the Arctic Circle.' },
        ],
      },
    },
  },
  CountInputTokensDto: {
    text: { summary: 'A text', value: { model: 'offline', input: 'Where is the midnight sun?' } },
  },
  CompactResponseDto: {
    text: { summary: 'A text', value: { model: 'offline', input: 'Where is the midnight sun?' } },
  },
  UpdateConversationDto: {
    noted: { summary: 'Another topic', value: { metadata: { topic: 'iceland' } } },
  },
  AddItemsDto: {
    pair: {
      summary: 'A question with its response',
      value: {
        items: [
          { role: 'user', content: 'And in winter?' },
          { role: 'assistant', content: 'There is no sun at all.' },
        ],
      },
    },
  },
  CreateApiKeyDto: {
    open: { summary: 'Without an end', value: { name: 'nightly import' } },
    ending: {
      summary: 'With an end',
      value: { name: 'nightly import', expires_at: '2027-01-31T00:00:00Z' },
    },
  },
};

/** The same bodies for a verb route, which names its chat in the body. */
function withId(examples: Readonly<Record<string, Example>>): Record<string, Example> {
  const entries = Object.entries(examples).map(([name, { summary, value }]) => [
    name,
    { summary, value: { chat_id: CHAT_ID, ...value } },
  ]);
  return Object.fromEntries(entries) as Record<string, Example>;
}
