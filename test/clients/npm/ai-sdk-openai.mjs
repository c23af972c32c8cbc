// `@ai-sdk/openai` under `ai`: the Responses API by default, chat completions by name.
import { createOpenAI } from '@ai-sdk/openai';
import { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import {
  BASE,
  check,
  COUNT,
  FAIL,
  FILE_SEEN,
  includes,
  PNG,
  run,
  TEXT_FILE,
  thrown,
  TOKEN,
  WEATHER,
} from '../flows.mjs';

const openai = createOpenAI({ baseURL: `${BASE}/v1`, apiKey: TOKEN });
const MODELS = [openai('fake-1'), openai.chat('fake-1')];
const user = (content) => ({ role: 'user', content });
const forEach = (work) => async () => {
  for (const model of MODELS) await work({ model, maxRetries: 0 });
};
const see = (file, part) =>
  forEach(async (how) => {
    const content = [{ type: 'text', text: 'See?' }, file];
    includes((await generateText({ ...how, messages: [user(content)] })).text, part);
  });
const weather = tool({
  description: 'The weather',
  inputSchema: jsonSchema(WEATHER),
  execute: () => 'sunny',
});

await run({
  plain: forEach(async (how) =>
    includes((await generateText({ ...how, prompt: 'Hello' })).text, 'You said: Hello'),
  ),
  stream: forEach(async (how) => {
    let text = '';
    for await (const piece of streamText({ ...how, prompt: 'Hello' }).textStream) text += piece;
    includes(text, 'You said: Hello');
  }),
  'many turns': forEach(async (how) => {
    const messages = [];
    for (const question of ['One', 'Two', COUNT]) {
      messages.push(user(question));
      const { text, response } = await generateText({ ...how, messages });
      messages.push(...response.messages);
      if (question === COUNT) includes(text, '3 questions');
    }
  }),
  tools: forEach(async (how) => {
    const more = { tools: { weather }, stopWhen: stepCountIs(3) };
    includes((await generateText({ ...how, ...more, prompt: 'Weather?' })).text, 'sunny');
  }),
  structured: forEach(async (how) => {
    const { object } = await generateObject({
      ...how,
      schema: jsonSchema(WEATHER),
      prompt: 'Where?',
    });
    check(object.city === 'Paris', 'should keep to the schema', object);
  }),
  picture: see(
    { type: 'file', data: Buffer.from(PNG, 'base64'), mediaType: 'image/png' },
    '1 image_url',
  ),
  file: see(
    {
      type: 'file',
      data: Buffer.from(`%PDF-1.4 ${TEXT_FILE}`),
      mediaType: 'application/pdf',
      filename: 'a.pdf',
    },
    FILE_SEEN,
  ),
  branch: async () => {
    const openaiAt = (previousResponseId) => ({
      providerOptions: { openai: { previousResponseId } },
    });
    const ask = (prompt, more = {}) =>
      generateText({ model: MODELS[0], prompt, maxRetries: 0, ...more });
    const idOf = ({ providerMetadata }) => providerMetadata.openai.responseId;
    const root = idOf(await ask('Root'));
    await ask('Left', openaiAt(root));
    const right = idOf(await ask('Right', openaiAt(root)));
    includes((await ask(COUNT, openaiAt(right))).text, '3 questions');
  },
  session: 'has no sessions of its own',
  error: forEach(async (how) => {
    const error = await thrown(() => generateText({ ...how, prompt: FAIL }));
    check(error.statusCode >= 500, 'should be an HTTP error', error.message);
  }),
  resume: 'resumes no stream',
  cancel: 'ends a stream by closing it alone',
});
