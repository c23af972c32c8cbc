import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestApp } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { type AnsweringServers, startAnswering, stopAnswering } from './answering-servers.js';

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

let servers: AnsweringServers;
let { provider, there, ann } = {} as AnsweringServers;

beforeAll(async () => {
  servers = await startAnswering('postgres');
  ({ provider, there, ann } = servers);
});
beforeEach(() => provider.reset());
afterAll(() => stopAnswering(servers));

const respond = (
  body: object,
  client = ann,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  client.request('POST', '/v1/responses', {
    body: { model: 'fake-1', input: 'Why?', ...body },
    headers,
  });
const idOf = (name: string): string => new RegExp(UUID).exec(name)![0];
const branchOf = (response: any): string => response.metadata.branch_id;

describe('a response', () => {
  it('has every field that OpenAI’s clients read', async () => {
    const { body, status } = await respond({});
    expect(status).toBe(200);
    const required =
      'id object created_at error incomplete_details instructions metadata model output parallel_tool_calls temperature tool_choice tools top_p ' +
      'completed_at truncation text presence_penalty frequency_penalty top_logprobs reasoning user usage max_output_tokens max_tool_calls store ' +
      'background service_tier safety_identifier prompt_cache_key previous_response_id status';
    expect(required.split(' ').filter((field) => body[field] === undefined)).toEqual([]);
  });

  it('of a model that fails says so, with the question kept; of one that was cut, where', async () => {
    provider.next({ status: 500 }, { finishReason: 'length' });
    const { headers, status } = await respond({});
    const { body } = await ann.request('GET', `/v1/responses/${headers.get('x-response-id')}`);
    expect([status, body.status, body.output, body.error.code]).toEqual([
      502,
      'failed',
      [],
      expect.any(String),
    ]);
    expect(await ann.questionsOf(branchOf(body))).toEqual(['Why?']);
    const cut = await respond({});
    expect(cut.body).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'incomplete' }],
    });
    expect((await ann.request('GET', `/v1/responses/${cut.body.id}`)).body).toMatchObject({
      status: 'incomplete',
    });
    provider.next({ status: 500 });
    const { text } = await respond({ stream: true });
    expect(text.match(/^event: .*$/gm)).toEqual(
      ['response.created', 'response.in_progress', 'response.failed'].map(
        (type) => `event: ${type}`,
      ),
    );
  });

  it('is made once for a key', async () => {
    const key = { 'idempotency-key': 'once' };
    const input = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: 'c' },
    ];
    const [one, two] = [await respond({ input }, ann, key), await respond({ input }, ann, key)];
    expect([two.text, two.headers.get('idempotent-replayed')]).toEqual([one.text, 'true']);
    expect(await ann.questionsOf(branchOf(one.body))).toEqual(['a', 'c']);
    const more = { input, previous_response_id: one.body.id };
    const [three, four] = [
      await respond(more, ann, { 'idempotency-key': 'x' }),
      await respond(more, ann, { 'idempotency-key': 'x' }),
    ];
    expect([four.text, await ann.questionsOf(branchOf(one.body))]).toEqual([
      three.text,
      ['a', 'c', 'a', 'c'],
    ]);
    const fork = await respond(more);
    expect(await ann.questionsOf(branchOf(fork.body))).toEqual(['a', 'c', 'a', 'c']);
    expect(branchOf(fork.body)).not.toBe(branchOf(one.body));
  });

  it('goes its own way beside many that are asked behind the same one at once', async () => {
    const { body: first } = await respond({ input: 'one' });
    const inputs = Array.from({ length: 8 }, (_, n) => [
      { role: 'user', content: `before ${n}` },
      { role: 'assistant', content: 'x' },
      { role: 'user', content: `q ${n}` },
    ]);
    const at = (n: number) => (n % 2 ? ann : ann.at(there.url));
    const answers = await Promise.all(
      inputs.map((input, n) => respond({ input, previous_response_id: first.id }, at(n))),
    );
    expect(answers.map(({ status, body }) => [status, body.status])).toEqual(
      Array(8).fill([200, 'completed']),
    );
    expect(new Set(answers.map(({ body }) => branchOf(body))).size).toBe(8);
    for (const [n, { body }] of answers.entries())
      expect(await ann.questionsOf(branchOf(body))).toEqual(['one', `before ${n}`, `q ${n}`]);
    const inLine = await Promise.all(
      inputs.map((input, n) =>
        respond(
          { input, conversation: `conv_${branchOf(first)}:branch_${branchOf(first)}` },
          at(n),
        ),
      ),
    );
    expect(inLine.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const questions = await ann.questionsOf(branchOf(first));
    expect(questions).toHaveLength(3 + 16);
    for (let i = 3; i < questions.length; i += 2)
      expect(questions[i + 1]).toBe(questions[i]!.replace('before', 'q'));
  });

  it('is found as long as a living branch inherits it', async () => {
    const { body: first } = await respond({ input: 'one' });
    const branch = await ann.aBranch(branchOf(first), idOf(first.id));
    const { body: own } = await respond({ input: 'own', metadata: { branch_id: branch } });
    const child = await ann.aBranch(branch, idOf(own.id));
    await ann.delete(`/chats/${branch}`);
    expect((await ann.request('GET', `/v1/responses/${own.id}`)).body).toMatchObject({
      status: 'completed',
      metadata: { branch_id: child },
    });
    await ann.delete(`/chats/${child}`);
    expect((await ann.request('GET', `/v1/responses/${own.id}`)).status).toBe(404);
  });

  it('that is deleted is nobody’s to read or to go on from', async () => {
    const { body } = await respond({});
    const path = `/v1/responses/${body.id}`;
    expect((await ann.request('DELETE', path)).status).toBe(200);
    for (const [method, asked] of [
      ['GET', path],
      ['GET', `${path}/input_items`],
      ['DELETE', path],
    ] as const)
      expect((await ann.request(method, asked)).body.error.code).toBe('message_not_found');
    const next = await respond({ previous_response_id: body.id });
    expect([next.status, next.body.error.code]).toEqual([400, 'previous_response_not_found']);
  });

  it('beyond what an account may have is a 429', async () => {
    const poor = await startTestApp('postgres', provider.settings({ TOKENS_PER_DAY: '5' }));
    const bob = await TestClient.register(poor.url);
    await respond({ store: false }, bob);
    const answers = [
      await respond({}, bob),
      await respond({ store: false }, bob),
      await respond({ stream: true }, bob),
    ];
    await poor.close();
    for (const { status, body } of answers)
      expect([status, body.error.code, body.error.type]).toEqual([
        429,
        'insufficient_quota',
        'rate_limit_error',
      ]);
  });
});
