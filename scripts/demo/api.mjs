// The public API, with requests that may be repeated.
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from './fault.mjs';
import { reasonOf } from './server.mjs';

const ATTEMPTS_MAX = 6;
const REQUEST_TIMEOUT_MS = 30_000;
const WAIT_SECONDS_MAX = 30;

/** A new person on this server; answers what later calls and a login need. */
export async function register(url) {
  const account = {
    email: `demo-${randomBytes(4).toString('hex')}@example.org`,
    password: randomBytes(9).toString('base64url'),
  };
  const session = { url, ...account, token: null };
  let answer = await send(session, 'POST', '/auth/register', account);
  // Routes of /auth take no Idempotency-Key. The e-mail is new, so "taken" can only mean that an
  // answer got lost on the way.
  if (answer.status === 409) answer = await send(session, 'POST', '/auth/login', account);
  return { ...session, token: bodyOf(session, answer).access_token };
}

export const get = async (session, path) => bodyOf(session, await send(session, 'GET', path));
export const put = async (session, path, body) =>
  bodyOf(session, await send(session, 'PUT', path, body));

/** @param place where in the file the body comes from, to be named when the server refuses it */
export async function post(session, path, body, place) {
  const answer = await send(session, 'POST', path, body);
  try {
    return bodyOf(session, answer);
  } catch (fault) {
    throw answer.status === 422 ? new Fault(`${place} in the file: ${fault.message}`) : fault;
  }
}

/**
 * Sends until it is answered. A POST has one Idempotency-Key for all its attempts: a lost answer is
 * given again, nothing is done twice.
 */
async function send(session, method, path, body) {
  const headers = {
    ...(session.token && { authorization: `Bearer ${session.token}` }),
    ...(body && { 'content-type': 'application/json' }),
    ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
  };
  const request = { method, headers, body: body && JSON.stringify(body) };
  for (let attempt = 1; ; attempt++) {
    const answer = await attemptOf(`${session.url}/api/v1${path}`, request);
    if (!isPassing(answer)) return { ...answer, what: `${method} ${path}` };
    if (attempt === ATTEMPTS_MAX)
      throw new Fault(
        `${session.url} did not answer ${method} ${path}: ${answer.fault ?? titleOf(answer)}`,
      );
    await sleep(1000 * Math.min(answer.retryAfter || 0.1 * 2 ** attempt, WAIT_SECONDS_MAX));
  }
}

async function attemptOf(address, request) {
  try {
    const answer = await fetch(address, {
      ...request,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    return {
      status: answer.status,
      retryAfter: Number(answer.headers.get('retry-after')),
      body: isJson && text ? JSON.parse(text) : null,
    };
  } catch (error) {
    return { fault: reasonOf(error) };
  }
}

/** Whether the same request may fare better a moment later. */
const isPassing = ({ status, body }) =>
  status === undefined ||
  [429, 502, 503, 504].includes(status) ||
  (status === 409 && body?.code === 'idempotency_key_in_use');

function bodyOf({ url }, answer) {
  if (answer.status < 300) return answer.body;
  if (answer.status === 401) {
    throw new Fault(
      `${url} refused the demo's token (401): ${titleOf(answer)}\nDoes something between here and there drop the Authorization header?`,
    );
  }
  throw new Fault(`${url} refused ${answer.what} with ${titleOf(answer)}`);
}

function titleOf({ status, body }) {
  const errors = (body?.errors ?? []).map(({ path, message }) => `\n  ${path} ${message}`);
  return `${status} ${body?.code ?? ''}: ${body?.detail ?? body?.title ?? 'no reason given'}${errors.join('')}`;
}
