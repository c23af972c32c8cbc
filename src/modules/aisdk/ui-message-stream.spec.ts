import { describe, expect, it } from '@jest/globals';
import { DefaultChatTransport as Transport7, readUIMessageStream as read7 } from 'ai';
import {
  DefaultChatTransport as Transport6,
  readUIMessageStream as read6,
  type UIMessage,
} from 'ai6';
import fc from 'fast-check';
import { bodyOf } from '../../content/body.js';
import type { PartPiece } from '../../tree/part-pieces.js';
import { type QuestionPart, type ResponsePart, sideOf } from '../../tree/parts.js';
import type { AnswerEvent } from '../answer/answer.js';
import { type Pair, pairJson } from '../chat/pair.js';
import { exactJson } from '../../common/exact-json.js';
import { uiMessageStream, type UiMessageHead } from './ui-message-stream.js';
import { messagesOf } from './ui-messages.js';

const [FIRST, SECOND] = [
  '01a1fcfe-9971-7669-9bb5-5dbec265b4b0',
  '01a1fcfe-9971-7669-9bb5-5dbec265b4b1',
] as const;
const URL_OF = ({ file_id: id, url = '' }: { file_id?: string; url?: string }) =>
  id === undefined ? url : `data:,${id}`;

const aPair = (
  responseId: string,
  question: QuestionPart[],
  response: ResponsePart[],
  more: Partial<Pair> = {},
): Pair => {
  const [asked, told] = [sideOf(question), sideOf(response)];
  return {
    responseId,
    chatId: FIRST,
    seq: responseId === FIRST ? 1 : 2,
    version: 1,
    messageType: 'text',
    status: 'complete',
    author: null,
    model: 'fake-1',
    usage: null,
    error: null,
    createdAt: new Date(0),
    body: bodyOf({
      question: asked.text,
      response: told.text,
      metadata: null,
      question_parts: asked.parts,
      response_parts: told.parts,
    }),
    branches: [],
    branchesTotal: 0,
    ...more,
  };
};
const ASKED: QuestionPart[] = [{ type: 'text', text: 'Q?' }];

/** How a provider tells these parts: growing, and whole at their end; text only as it grows. */
function* told(parts: readonly ResponsePart[]): Generator<{ text: string } | { part: PartPiece }> {
  for (const part of parts) {
    const text =
      part.type === 'tool_call' ? JSON.stringify(part.input) : ((part as any).text ?? '');
    const pieces = (text as string).match(/[^]{1,3}/gu) ?? [];
    if (part.type === 'text') for (const one of pieces) yield { text: one };
    else if (part.type === 'reasoning')
      for (const delta of pieces) yield { part: { type: 'reasoning', delta } };
    else if (part.type === 'tool_call') {
      const { call_id, name } = part;
      for (const delta of pieces) yield { part: { type: 'tool_call', call_id, name, delta } };
    }
    if (part.type !== 'text') yield { part };
  }
}

async function* answer(pair: Pair, parts: readonly ResponsePart[]): AsyncGenerator<AnswerEvent> {
  const of = { generationId: FIRST, responseId: pair.responseId };
  const place = { chatId: FIRST, rootChatId: FIRST, seq: 1, parentResponseId: null, model: null };
  yield { type: 'accepted', ...of, ...place };
  let n = 0;
  for (const piece of told(parts))
    yield 'text' in piece
      ? { type: 'delta', ...of, n: ++n, delta: piece.text }
      : { type: 'part', ...of, n: ++n, part: piece.part };
  const type = pair.status === 'complete' ? 'completed' : 'failed';
  yield { type, json: pairJson(pair), contentState: null };
}

/** What a client makes of a stream: its chunks, the faults it tells, and its message. */
async function heard(
  [Transport, readMessages]: [typeof Transport6, typeof read6],
  events: AsyncIterable<AnswerEvent>,
  head: UiMessageHead = {},
) {
  const frames = uiMessageStream(
    { events, head },
    { metadataOf: () => Promise.resolve(undefined), urlsOf: () => Promise.resolve(URL_OF) },
  );
  const fetched = async () => {
    let text = '';
    for await (const frame of frames) text += frame;
    return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
  };
  const transport = new Transport<UIMessage>({ fetch: fetched as typeof fetch });
  const stream = await transport.sendMessages({
    chatId: 'c',
    messages: [],
    trigger: 'submit-message',
    messageId: undefined,
    abortSignal: undefined,
  });
  const faults: unknown[] = [];
  const chunks: { type: string }[] = [];
  const [one, two] = stream.tee();
  const collected = (async () => {
    for await (const chunk of one as unknown as AsyncIterable<{ type: string }>) chunks.push(chunk);
  })();
  let message: UIMessage | null = null;
  const onError = (error: unknown) => void faults.push(error);
  for await (const state of readMessages({ stream: two, onError, terminateOnError: false }))
    message = structuredClone(state);
  await collected;
  return { chunks, faults, message: alike(plain(message) as UIMessage) };
}

/** Without what one major alone keeps of a chunk. */
function alike(message: UIMessage): UIMessage {
  for (const part of message.parts as Record<string, unknown>[]) {
    if (part['type'] === 'reasoning') delete part['id'];
    if (part['type'] === 'file') delete part['filename'];
    if (part['state'] === 'output-error') {
      part['input'] ??= part['rawInput'];
      delete part['rawInput'];
    }
  }
  return message;
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const reloaded = (...pairs: Pair[]) =>
  (JSON.parse(exactJson(messagesOf(pairs, URL_OF))) as UIMessage[])
    .filter(({ role }) => role === 'assistant')
    .map(alike);

const MAJORS: [string, [typeof Transport6, typeof read6]][] = [
  ['6', [Transport6, read6]],
  ['7', [Transport7 as unknown as typeof Transport6, read7 as unknown as typeof read6]],
];

/** The client reads no object with this key, whoever wrote it. */
const json = (fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>).filter(
  (value) => !JSON.stringify(value).includes('"__proto__":'),
);
const said = fc.string({ minLength: 1, unit: 'grapheme' });
const name = fc.stringMatching(/^[a-z_]{1,8}$/);
const partsOfTurn: fc.Arbitrary<ResponsePart[]> = fc
  .array(
    fc.oneof(
      fc.record({ type: fc.constant('text' as const), text: said }),
      fc.record({ type: fc.constant('reasoning' as const), text: said }),
      fc.record({
        type: fc.constant('tool_call' as const),
        call_id: fc.uuid(),
        name,
        input: fc.oneof(fc.dictionary(name, json), said),
      }),
      fc.record({
        type: fc.constant('file' as const),
        file_id: fc.uuid(),
        media_type: fc.constant('image/png'),
        name: fc.constant('a.png'),
      }),
      fc.record({ type: fc.constant('source' as const), url: fc.webUrl(), title: said }),
      fc.record({ type: fc.constant('source' as const), title: said }),
      fc.record({ type: fc.constant('refusal' as const), text: said }),
      fc.record({ type: fc.constant('data' as const), name, value: json }),
      fc.record({ type: fc.constant('other' as const), format: said, value: json }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts as ResponsePart[])
  // Two texts with nothing between them are one to a provider.
  .filter((parts) =>
    parts.every(({ type }, at) => type !== 'text' || parts[at - 1]?.type !== type),
  );

describe.each(MAJORS)('an answer as AI SDK %s reads it', (_major, client) => {
  it('is the same message with the same parts as it is when it is read again', () =>
    fc.assert(
      fc.asyncProperty(partsOfTurn, async (parts) => {
        const pair = aPair(FIRST, ASKED, parts);
        const { message, faults } = await heard(client, answer(pair, parts));
        const [again] = reloaded(pair);
        const isPlain = parts.length === 1 && parts[0]!.type === 'text';
        const shown = isPlain
          ? [{ type: 'step-start' }, { ...again!.parts[0], state: 'done' }]
          : again!.parts;
        expect([faults, message.id, message.parts]).toEqual([[], again!.id, shown]);
      }),
      { numRuns: 60 },
    ));

  it('goes on with the message whose calls it follows, also for whoever has nothing of it yet', async () => {
    const call: ResponsePart = { type: 'tool_call', call_id: 'c1', name: 'weather', input: {} };
    const result: QuestionPart = { type: 'tool_result', call_id: 'c1', output: { sky: 'clear' } };
    const fine: ResponsePart[] = [{ type: 'text', text: 'Fine.' }];
    const [asking, ending] = [aPair(FIRST, ASKED, [call]), aPair(SECOND, [result], fine)];
    const [whole, ...others] = reloaded(asking, ending);
    expect([others, whole!.id, whole!.parts]).toEqual([
      [],
      FIRST,
      [
        { type: 'step-start' },
        {
          type: 'tool-weather',
          toolCallId: 'c1',
          state: 'output-available',
          input: {},
          output: { sky: 'clear' },
        },
        { type: 'step-start' },
        { type: 'text', text: 'Fine.', state: 'done' },
      ],
    ]);
    const earlier = [{ responseId: FIRST, answered: [call], results: [result] }];
    const { message, faults } = await heard(client, answer(ending, fine), { id: FIRST, earlier });
    expect([faults, message.id, message.parts]).toEqual([[], FIRST, whole!.parts]);
  });

  it('tells how it ended, and what a tool that the provider ran gave', async () => {
    const parts: ResponsePart[] = [
      { type: 'tool_call', call_id: 'c1', name: 'web', input: { q: 1 }, provider_executed: true },
      { type: 'tool_result', call_id: 'c1', output: 'no network', is_error: true },
      { type: 'tool_call', call_id: 'c2', name: 'mine', input: '{"broken' },
    ];
    const calling = aPair(FIRST, ASKED, parts);
    const { chunks, message } = await heard(client, answer(calling, parts));
    expect(chunks.at(-1)).toEqual({ type: 'finish', finishReason: 'tool-calls' });
    expect(message.parts.slice(1)).toMatchObject([
      { type: 'tool-web', state: 'output-error', errorText: 'no network', providerExecuted: true },
      { type: 'tool-mine', state: 'output-error', input: '{"broken' },
    ]);
    const reasons = ['length', 'content_filter', 'error', 'something new'];
    const ends = await Promise.all(
      reasons.map(async (finish_reason) => {
        const usage = { input_tokens: 1, output_tokens: 1, finish_reason } as never;
        const cut = aPair(FIRST, ASKED, [{ type: 'text', text: 'x' }], { usage });
        return (await heard(client, answer(cut, []))).chunks.at(-1);
      }),
    );
    expect(ends.map((end) => (end as any).finishReason)).toEqual([
      ...['length', 'content-filter', 'error', 'other'],
    ]);
    const failed = aPair(FIRST, ASKED, [], {
      status: 'failed',
      error: { code: 'x', message: 'The model is away.' },
    });
    expect((await heard(client, answer(failed, []))).chunks.at(-1)).toEqual({
      type: 'error',
      errorText: 'The model is away.',
    });
  });
});
