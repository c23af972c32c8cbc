import { WebSocket } from 'ws';
import { startTestApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { until } from '../support/machine-clock.js';

export interface Frame {
  event: string;
  data: any;
}

/** A refused upgrade, as the HTTP answer that it was. */
export interface Refusal {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: any;
}

/** A socket that keeps all it hears. */
export class SessionSocket {
  readonly frames: Frame[] = [];
  closed: { code: number; reason: string } | null = null;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)));
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    socket.on('error', () => undefined);
  }

  static async open(client: TestClient, sessionId: string): Promise<SessionSocket> {
    const opened = await tryUpgrade(client.url, path(sessionId), {
      headers: { authorization: `Bearer ${client.token}` },
    });
    if (!(opened instanceof SessionSocket)) throw new Error(`refused: ${JSON.stringify(opened)}`);
    return opened;
  }

  static of(socket: WebSocket): SessionSocket {
    return new SessionSocket(socket);
  }

  /** Waits until `done`. @throws with what was heard, when it takes longer */
  async until(done: () => boolean, patienceMs = 5000): Promise<void> {
    const heard = (): string =>
      `more than ${JSON.stringify(this.frames).slice(0, 2000)} ${JSON.stringify(this.closed)}`;
    await until(done, heard, patienceMs);
  }

  /** The frames from `from` on, once there are `count`. */
  async heard(count: number, from = 0): Promise<Frame[]> {
    await this.until(() => this.frames.length >= from + count);
    return this.frames.slice(from);
  }

  async closing(patienceMs?: number): Promise<{ code: number; reason: string }> {
    await this.until(() => this.closed !== null, patienceMs);
    return this.closed!;
  }

  send(frame: unknown): void {
    this.socket.send(
      typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame),
    );
  }

  events(event: string): any[] {
    return this.frames.filter((frame) => frame.event === event).map(({ data }) => data);
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closing();
  }
}

export const path = (sessionId: string): string =>
  `/v1/chat/sessions/${encodeURIComponent(sessionId)}/ws`;

export interface UpgradeOptions {
  headers?: Record<string, string>;
  protocols?: string[];
}

/** The open socket, or the answer that refused it. */
export function tryUpgrade(
  url: string,
  at: string,
  { headers = {}, protocols = [] }: UpgradeOptions = {},
): Promise<SessionSocket | Refusal> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http', 'ws') + at, protocols, { headers });
    const kept = SessionSocket.of(socket);
    socket.on('open', () => resolve(kept));
    socket.on('unexpected-response', (request, answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += String(chunk)));
      answer.on('end', () => {
        request.destroy();
        resolve({
          status: answer.statusCode!,
          headers: answer.headers,
          body: JSON.parse(text || 'null'),
        });
      });
    });
    socket.on('error', reject);
  });
}

export const at = (sessionId: string): string =>
  `/v1/chat/sessions/${encodeURIComponent(sessionId)}`;
export const post = (client: TestClient, sessionId: string, body: unknown, headers = {}) =>
  client.request('POST', `${at(sessionId)}/messages`, { body, headers });
export const say = async (client: TestClient, sessionId: string, content: string) =>
  post(client, sessionId, { role: 'user', content });
export const read = (client: TestClient, sessionId: string) =>
  client.request('GET', `${at(sessionId)}/messages`);
export const clear = (client: TestClient, sessionId: string) =>
  client.request('DELETE', at(sessionId));
export const list = (client: TestClient) => client.request('GET', '/v1/chat/sessions');
export const contentsOf = (body: { messages: { content: string }[] }): string[] =>
  body.messages.map(({ content }) => content);
export const refusalOf = async (...args: Parameters<typeof tryUpgrade>): Promise<Refusal> =>
  (await tryUpgrade(...args)) as Refusal;
export const errorsOf = async (socket: SessionSocket, count: number): Promise<string[]> => {
  await socket.until(() => socket.events('error').length >= count);
  return socket.events('error').map(({ code }) => code);
};

/** Two instances with shared sessions; in memory the same one twice. */
export interface Instances {
  here: TestApp;
  there: TestApp;
}

export const SHARED = { CORS_ORIGINS: 'https://friend.example' };

export async function inMemory(): Promise<Instances> {
  const here = await startTestApp('postgres', SHARED);
  return { here, there: here };
}

export async function inRedis(url: string): Promise<Instances> {
  const settings = { ...SHARED, REDIS_URL: url };
  const here = await startTestApp('postgres', settings);
  return { here, there: await startTestApp('postgres', settings, here.databaseUrl) };
}

export async function closeAll({ here, there }: Instances): Promise<void> {
  await here.close();
  if (there !== here) await there.close();
}
