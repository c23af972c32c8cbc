import OpenAI from 'openai';
import {
  BASE,
  check,
  COUNT,
  FAIL,
  FILE_SEEN,
  HANG,
  includes,
  PNG,
  run,
  SLOW,
  SLOW_ANSWER,
  TEXT_FILE,
  thrown,
  TOKEN,
  WEATHER,
} from '../flows.mjs';

const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: TOKEN, maxRetries: 0 });
const model = 'fake-1';
const ask = (input, more = {}) => client.responses.create({ model, input, ...more });
const complete = (content, more = {}) =>
  client.chat.completions.create({ model, messages: [{ role: 'user', content }], ...more });
const format = { type: 'json_schema', name: 'weather', schema: WEATHER, strict: true };
const user = (content) => [{ role: 'user', content }];

await run({
  plain: async () => {
    includes((await ask('Hello')).output_text, 'You said: Hello');
    includes((await complete('Hello')).choices[0].message.content, 'You said: Hello');
  },
  stream: async () => {
    let text = '';
    for await (const event of await ask('Hello', { stream: true }))
      if (event.type === 'response.output_text.delta') text += event.delta;
    includes(text, 'You said: Hello');
    text = '';
    for await (const chunk of await complete('Hello', { stream: true }))
      text += chunk.choices[0]?.delta.content ?? '';
    includes(text, 'You said: Hello');
  },
  'many turns': async () => {
    const first = await ask('One');
    const second = await ask('Two', { previous_response_id: first.id });
    const third = await ask(COUNT, { previous_response_id: second.id });
    includes(third.output_text, '3 questions');
  },
  tools: async () => {
    const tools = [{ type: 'function', name: 'weather', parameters: WEATHER, strict: true }];
    const asked = await ask('Weather?', { tools });
    const call = asked.output.find(({ type }) => type === 'function_call');
    check(call?.name === 'weather', 'should call the tool', asked.output);
    const output = [{ type: 'function_call_output', call_id: call.call_id, output: 'sunny' }];
    const done = await ask(output, { tools, previous_response_id: asked.id });
    includes(done.output_text, 'The tool says: sunny');
    const functions = [{ type: 'function', function: { name: 'weather', parameters: WEATHER } }];
    const { message } = (await complete('Weather?', { tools: functions })).choices[0];
    check(message.tool_calls?.[0].function.name === 'weather', 'should call the tool', message);
  },
  structured: async () => {
    const { output_parsed: parsed } = await client.responses.parse({
      model,
      input: 'Where?',
      text: { format },
    });
    check(parsed?.city === 'Paris', 'should keep to the schema', parsed);
  },
  picture: async () => {
    const input_image = { type: 'input_image', image_url: `data:image/png;base64,${PNG}` };
    const { output_text } = await ask(user([input_image, { type: 'input_text', text: 'See?' }]));
    includes(output_text, '1 image_url');
  },
  file: async () => {
    const file_data = `data:text/plain;base64,${TEXT_FILE}`;
    const input_file = { type: 'input_file', filename: 'trees.txt', file_data };
    const { output_text } = await ask(user([input_file, { type: 'input_text', text: 'Read it' }]));
    includes(output_text, FILE_SEEN);
  },
  branch: async () => {
    const root = await ask('Root');
    const left = await ask('Left', { previous_response_id: root.id });
    const right = await ask('Right', { previous_response_id: root.id });
    const after = await ask(COUNT, { previous_response_id: right.id });
    check(left.id !== right.id, 'should be siblings', left.id);
    includes(after.output_text, '3 questions');
  },
  session: async () => {
    const { id } = await client.conversations.create();
    await ask('One', { conversation: id });
    includes((await ask(COUNT, { conversation: id })).output_text, '2 questions');
    const { data } = await client.conversations.items.list(id, { order: 'asc' });
    check(data.length === 4, 'should have four items', data);
  },
  error: async () => {
    const error = await thrown(() => ask(FAIL));
    check(error.status >= 500, 'should be an HTTP error', error.message);
    check((await thrown(() => complete(FAIL))).status >= 500, 'should be an HTTP error');
  },
  resume: async () => {
    let [text, id, at] = ['', null, null];
    for await (const event of await ask(SLOW, { stream: true, background: true })) {
      id ??= event.response?.id;
      at = event.sequence_number;
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (text !== '') break;
    }
    const rest = await client.responses.retrieve(id, { stream: true, starting_after: at });
    for await (const event of rest)
      if (event.type === 'response.output_text.delta') text += event.delta;
    check(text === SLOW_ANSWER, 'should have all of it', text);
  },
  cancel: async () => {
    const { id } = await ask(HANG, { background: true });
    await client.responses.cancel(id);
    const { status } = await client.responses.retrieve(id);
    check(status === 'cancelled', 'should be cancelled', status);
  },
});
