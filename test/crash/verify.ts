import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../support/app.js';
import type { Answer, TestClient } from '../support/client.js';
import { runFsck } from './fsck.js';
import type { History } from './history.js';
import { checkPairs, type World } from './writer.js';
import { stopwatch } from '../support/machine-clock.js';

/** `relay.ts` comes for everything that is unsent within seconds of a start. */
const DRAIN_MS = 20_000;
const REPLAYS = 300;

/** Waits until nothing waits for MongoDB any more. */
export async function verifyDrained(history: History, databaseUrl: string): Promise<void> {
  const unsent = (): Promise<number> =>
    withClient(
      databaseUrl,
      async (client) =>
        (
          await client.query(
            'SELECT count(*)::int AS n FROM content_journal WHERE stored_at IS NULL',
          )
        ).rows[0].n,
    );
  for (const ran = stopwatch(); ; await sleep(200)) {
    const left = await unsent();
    if (left === 0) return;
    if (ran() > DRAIN_MS)
      return history.violation('journal not drained', `${left} rows after ${DRAIN_MS / 1000} s`);
  }
}

export async function verifyFsck(history: History, env: Record<string, string>): Promise<void> {
  const { code, report, stderr } = await runFsck(env, '--json');
  if (code === 0) return;
  const violated = report?.invariants.filter((one: any) => one.violations > 0) ?? [];
  if (violated.length === 0) history.violation('fsck', `ended with ${code}: ${stderr}`);
  for (const { id, violations, examples } of violated)
    history.violation('fsck', `${id} ${violations}: ${JSON.stringify(examples.slice(0, 3))}`);
}

/** Reads every path to its beginning and compares it with what was sent and answered. */
export async function verifyPaths({ people, chats, history }: World): Promise<void> {
  const owners = new Map<string, Map<string, number>>();
  for (const chatId of chats) {
    const pairs = await wholePath(history, people[0]!, chatId);
    checkPairs(history, chatId, pairs);
    if (pairs.length > 0 && pairs[0].seq !== 1)
      history.violation('gap in a path', `${chatId} begins with ${pairs[0].seq}`);
    for (const { question, response_id, seq } of pairs) {
      const key = String(question).split(' ')[0]!;
      owners.set(key, (owners.get(key) ?? new Map()).set(response_id, seq));
    }
  }
  for (const { key, answer } of history.submissions.values())
    verifyOnce(history, key, answer, owners.get(key) ?? new Map());
}

/** A key that was answered has exactly the pair of its answer; one that was not has one at most. */
function verifyOnce(
  history: History,
  key: string,
  answer: string | undefined,
  pairs: ReadonlyMap<string, number>,
): void {
  if (pairs.size > 1) history.violation('stored twice', `${key}: ${[...pairs.keys()].join(', ')}`);
  if (answer === undefined) return;
  const { response_id, seq } = JSON.parse(answer) as { response_id: string; seq: number };
  if (pairs.get(response_id) !== seq)
    history.violation('acknowledged pair lost', `${key}: ${response_id} at ${seq}`);
}

async function wholePath(history: History, reader: TestClient, chatId: string): Promise<any[]> {
  const pairs: any[] = [];
  for (let before: string | null = ''; before !== null;) {
    const { status, body, text }: Answer = await reader.get(
      `/chats/${chatId}/messages?limit=100${before && `&before=${before}`}`,
    );
    if (status !== 200) {
      history.violation('path unreadable', `${chatId}: ${status} ${text.slice(0, 200)}`);
      return pairs;
    }
    pairs.unshift(...body.qa_pairs);
    before = body.prev_cursor;
  }
  return pairs;
}

/** Some of all answers, again, at every instance in turn. */
export async function verifyReplays({ people, history }: World): Promise<void> {
  const answered = [...history.submissions.values()].filter(({ answer }) => answer !== undefined);
  const step = Math.max(1, Math.floor(answered.length / REPLAYS));
  for (let i = 0; i < answered.length; i += step) {
    const { key, chatId, question, response, answer } = answered[i]!;
    const again = await people[i % people.length]!.post(
      `/chats/${chatId}/messages`,
      { question, response },
      { 'idempotency-key': key },
    );
    history.counts.replays++;
    const said = again.headers.get('idempotent-replayed');
    if (again.status !== 201 || again.text !== answer || said !== 'true') {
      history.violation('replay differs', `${key}: ${again.status} ${again.text.slice(0, 80)}`);
    }
  }
}
