import type { FastifyReply, FastifyRequest } from 'fastify';
import { problems } from '../../common/problems.js';
import { onShortWay } from '../../common/short-way.js';
import { PostController } from './post.controller.js';
import type { Post } from './post.service.js';

const ID = '01890000-0000-7000-8000-00000000000A';
const GOOD = {
  principal: { accountId: 'ann', expiresAt: null },
  headers: {},
  params: { chat_id: ID },
  query: {},
  body: { question: 'q', response: 'a' },
};

/** What is answered to a request like `GOOD` but for some of it, and what was posted. */
async function answerTo(changed: object, fault?: Error) {
  const posted: Post[] = [];
  const post = (one: Post) => {
    posted.push(one);
    const end = { json: '"made"', contentState: 'stored' };
    return fault ? Promise.reject(fault) : Promise.resolve({ whole: () => Promise.resolve(end) });
  };
  const lone = { take: () => Promise.resolve(null) };
  const controller = new PostController({ post } as never, lone as never);
  const add = { controller: PostController, name: 'add' };
  const handler = onShortWay(add, controller, () => 'as usual', {
    around: (_request, _reply, make) => make(),
  });
  const answer = await new Promise((resolve) => {
    const told = { status: 200, headers: {} as Record<string, string> };
    const reply = {
      request: { url: '/' },
      code: (status: number) => Object.assign(reply, void (told.status = status)),
      status: (status: number) => reply.code(status),
      header: (name: string, value: string) => reply.headers({ [name]: value }),
      headers: (more: object) => Object.assign(reply, void Object.assign(told.headers, more)),
      send: (sent: string | Buffer) => resolve({ ...told, sent: String(sent) }),
    };
    const request = { ...GOOD, ...changed, method: 'POST', id: 'r1' };
    const way = handler.call(
      {} as never,
      request as unknown as FastifyRequest,
      reply as unknown as FastifyReply,
    );
    if (way !== undefined) resolve(way);
  });
  return { answer, posted };
}

describe('a post on its short way', () => {
  it('is checked and answered as the decorators say', async () => {
    expect(await answerTo({})).toEqual({
      answer: {
        status: 201,
        headers: { 'content-type': 'application/json; charset=utf-8', 'content-state': 'stored' },
        sent: '"made"',
      },
      posted: [
        {
          ...{ accountId: 'ann', chatId: ID.toLowerCase(), toActive: false, key: null },
          body: expect.objectContaining({ question: 'q', response: 'a' }),
        },
      ],
    });
  });

  it.each([
    ['nobody', { principal: undefined }],
    ['an id that is none', { params: { chat_id: 'x' } }],
    ['an unknown parameter', { query: { x: '1' } }],
    ['a key that is none', { headers: { 'idempotency-key': '' } }],
    ['a field that is wrong', { body: { question: 1 } }],
    ['a field that nobody knows', { body: { question: 'q', x: 1 } }],
    ['a list', { body: [] }],
    ['no body', { body: undefined }],
    ['one that asks for a stream', { body: { question: 'q', stream: true } }],
  ])('is left to Nest for %s', async (_what, changed) => {
    expect(await answerTo(changed)).toEqual({ answer: 'as usual', posted: [] });
  });

  it('that fails is told as any other, and not done again', async () => {
    const { answer, posted } = await answerTo({}, problems.chatNotFound());
    expect(answer).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/problem+json' },
      sent: expect.stringContaining('"chat_not_found"'),
    });
    expect(posted).toHaveLength(1);
  });
});
