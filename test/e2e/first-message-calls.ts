import type { TestClient } from '../support/client.js';

export const first = (
  client: TestClient,
  body: unknown = { text: 'hello', sender: 'Ada' },
  headers = {},
) => client.request('POST', '/first_message', { body, headers });
export const post = (client: TestClient, body: unknown, headers = {}) =>
  client.request('POST', '/messages', { body, headers });
export const read = (client: TestClient, query: string) =>
  client.request('GET', `/messages?${query}`);
export const last = (client: TestClient, name: string | number) =>
  client.request('GET', `/last_message/${name}`);
export const textsOf = (body: { text: string }[]): string[] => body.map(({ text }) => text);
export const nextOf = (link: string | null): string | null =>
  /<([^>]+)>; rel="next"/.exec(link ?? '')?.[1] ?? null;
