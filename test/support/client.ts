import { randomUUID } from 'node:crypto';
import { standstill } from './machine-clock.js';

export interface Answer<Body = any> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

export interface RequestOptions {
  body?: unknown;
  /** Sent as it is, in place of `body`. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
}

/** A person with a token, talking to one server. */
export class TestClient {
  constructor(
    readonly url: string,
    readonly token: string | null = null,
    readonly accountId = '',
    readonly email = '',
  ) {}

  /** Registers a new account. */
  static async register(url: string): Promise<TestClient> {
    const email = `${randomUUID()}@example.org`;
    const { body, status, text } = await new TestClient(url).request(
      'POST',
      '/api/v1/auth/register',
      {
        body: { email, password: 'a password of tests' },
      },
    );
    if (status !== 201) throw new Error(`register answered ${status}: ${text}`);
    return new TestClient(url, body.access_token, body.account.account_id, email);
  }

  /** The same person at another instance. */
  at(url: string): TestClient {
    return new TestClient(url, this.token, this.accountId, this.email);
  }

  /**
   * Asks again where the machine stood still and the server took that for the silence of a store:
   * it has done nothing then.
   */
  async request<Body = any>(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<Answer<Body>> {
    for (;;) {
      const stoodStill = standstill();
      const answer = await this.ask<any>(method, path, options);
      const isAway = answer.status === 503 && answer.body?.code === 'store_unavailable';
      if (!isAway || !stoodStill()) return answer;
    }
  }

  private async ask<Body>(
    method: string,
    path: string,
    { body, raw, headers = {} }: RequestOptions,
  ): Promise<Answer<Body>> {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload !== undefined && { body: payload }),
    });
    const text = await answer.text();
    const isJson = /[/+]json/.test(answer.headers.get('content-type') ?? '');
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: (isJson && text ? JSON.parse(text) : null) as Body,
    };
  }

  get = <Body = any>(path: string, headers?: Record<string, string>) =>
    this.request<Body>('GET', `/api/v1${path}`, { headers });
  post = <Body = any>(path: string, body?: unknown, headers?: Record<string, string>) =>
    this.request<Body>('POST', `/api/v1${path}`, { body, headers });
  put = <Body = any>(path: string, body?: unknown, headers?: Record<string, string>) =>
    this.request<Body>('PUT', `/api/v1${path}`, { body, headers });
  patch = <Body = any>(path: string, body?: unknown, headers?: Record<string, string>) =>
    this.request<Body>('PATCH', `/api/v1${path}`, { body, headers });
  delete = (path: string, headers?: Record<string, string>) =>
    this.request('DELETE', `/api/v1${path}`, { headers });

  /** A chat with `pairs` pairs q1/a1, q2/a2, …; answers its id and their ids. */
  async aChat(
    pairs = 0,
    body: Record<string, unknown> = {},
  ): Promise<{ id: string; pairs: string[] }> {
    const { body: chat } = await this.post('/chats', body);
    const ids: string[] = [];
    for (let n = 1; n <= pairs; n++) ids.push(await this.append(chat.chat_id, `q${n}`, `a${n}`));
    return { id: chat.chat_id, pairs: ids };
  }

  async append(
    chatId: string,
    question: string,
    response: string | null = `re: ${question}`,
  ): Promise<string> {
    const answer = await this.post(`/chats/${chatId}/messages`, { question, response });
    if (answer.status !== 201) throw new Error(`append answered ${answer.status}: ${answer.text}`);
    return answer.body.response_id;
  }

  async aBranch(
    chatId: string,
    responseId: string | null,
    body: Record<string, unknown> = {},
  ): Promise<string> {
    const answer = await this.post(`/chats/${chatId}/branches`, {
      response_id: responseId,
      ...body,
    });
    if (answer.status !== 201) throw new Error(`branch answered ${answer.status}: ${answer.text}`);
    return answer.body.chat_id;
  }

  async questionsOf(chatId: string): Promise<string[]> {
    const { body } = await this.get(`/chats/${chatId}/messages?limit=100`);
    return body.qa_pairs.map((pair: { question: string }) => pair.question);
  }
}
