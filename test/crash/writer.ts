import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, TestClient } from '../support/client.js';
import type { History, Submission } from './history.js';
import type { Random } from './random.js';

/** What all writers share: the same person at every instance, and the chats that they post to. */
export interface World {
  people: readonly TestClient[];
  chats: string[];
  /** Whether the server knows branches; the naive one does not. */
  branches: boolean;
  history: History;
}

const CHATS_MAX = 16;
const ATTEMPT_MS = 6000;
/** The time after which a writer whose server does not come back gives up; a run is far shorter. */
const ATTEMPTS_MAX = 400;
/**
 * Text that databases like to change: beyond the BMP, right to left, combining, quotes,
 * backslashes, no-break and zero-width spaces.
 */
const HARD_TEXT = `🦜🏽 e\u0301 "q" \\ 'x' \u202eabc\u202c \u00a0\u200b $1 {$ne: null} %s\r\n\t√`;

/**
 * Posts, forks, reads and replays through all instances, and retries under the same key whatever
 * had no certain answer.
 */
export class Writer {
  private posted = 0;

  constructor(
    private readonly name: string,
    private readonly world: World,
    private readonly random: Random,
  ) {}

  /** Works until `isOver` says so; what was begun is brought to its end. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const dice = this.random.next();
      if (dice < 0.68) await this.post();
      else if (dice < 0.8) await this.read();
      else if (dice < 0.9) await this.replay();
      else if (this.world.branches) await (dice < 0.96 ? this.fork() : this.forkAndDelete());
      await sleep(this.random.between(5, 40));
    }
  }

  private async post(): Promise<void> {
    const { history, chats } = this.world;
    const key = `${this.name}-${this.posted++}`;
    const chatId = this.random.pick(chats);
    const filler = this.random.chance(0.05) ? 'long '.repeat(8000) : HARD_TEXT;
    const submission: Submission = {
      key,
      chatId,
      question: `${key} ${filler}`,
      response: `answer to ${key} ${filler}`,
    };
    history.submissions.set(key, submission);
    history.counts.posts++;
    // Some never ask again, as a client that is closed: then one pair may exist, or none.
    const answer = await this.untilCertain(
      () => this.submit(submission),
      this.random.chance(0.03) ? 1 : ATTEMPTS_MAX,
    );
    if (!answer) return;
    submission.answer = answer.text;
    history.counts.acknowledged++;
  }

  private submit({ key, chatId, question, response }: Submission): Promise<Answer> {
    return this.anyone().post(
      `/chats/${chatId}/messages`,
      { question, response },
      { 'idempotency-key': key },
    );
  }

  /** Asks again under a key that was answered before: the same bytes must come back. */
  private async replay(): Promise<void> {
    const { history } = this.world;
    const submission = this.random.pick([...history.submissions.values()]);
    if (!submission?.answer) return;
    const answer = await this.once(() => this.submit(submission));
    if (answer?.status !== 201) return;
    history.counts.replays++;
    if (answer.text !== submission.answer)
      history.violation(
        'replay differs',
        `${submission.key}: ${submission.answer.slice(0, 80)} became ${answer.text.slice(0, 80)}`,
      );
  }

  private async fork(): Promise<void> {
    const { history, chats } = this.world;
    const branchId = chats.length < CHATS_MAX ? await this.branchSomewhere() : undefined;
    if (!branchId) return;
    chats.push(branchId);
    history.counts.forks++;
    await this.once(() =>
      this.anyone().put(`/chats/${branchId}/active-branch`, { branch_chat_id: branchId }),
    );
  }

  private async forkAndDelete(): Promise<void> {
    const branchId = await this.branchSomewhere();
    if (!branchId) return;
    // The second try of a deletion that was done finds nothing: 404 is as good as 204.
    const answer = await this.untilCertain(
      () => this.anyone().delete(`/chats/${branchId}`),
      ATTEMPTS_MAX,
      [204, 404],
    );
    if (answer) this.world.history.counts.deletions++;
  }

  private async branchSomewhere(): Promise<string | undefined> {
    const done = [...this.world.history.submissions.values()].filter(({ answer }) => answer);
    if (done.length === 0) return undefined;
    const { chatId, answer } = this.random.pick(done);
    const { response_id } = JSON.parse(answer!) as { response_id: string };
    const headers = { 'idempotency-key': `${this.name}-fork-${this.posted++}` };
    const made = await this.untilCertain(
      () => this.anyone().post(`/chats/${chatId}/branches`, { response_id }, headers),
      ATTEMPTS_MAX,
    );
    return made?.body.chat_id;
  }

  /**
   * A page must be whole at every moment, whoever has just died: no gap, and of each pair the words
   * that were sent.
   */
  private async read(): Promise<void> {
    const { history, chats } = this.world;
    const chatId = this.random.pick(chats);
    const answer = await this.once(() => this.anyone().get(`/chats/${chatId}/messages?limit=50`));
    if (answer?.status !== 200) return;
    history.counts.reads++;
    checkPairs(history, chatId, answer.body.qa_pairs);
  }

  private anyone(): TestClient {
    return this.random.pick(this.world.people);
  }

  /** One try; undefined when nobody answered, or only that it is not possible now. */
  private async once(
    work: () => Promise<Answer>,
    expected: readonly number[] = [200, 201],
  ): Promise<Answer | undefined> {
    const answer = await Promise.race([
      work().catch((error: Error) => this.broken(error)),
      sleep(ATTEMPT_MS, undefined, { ref: false }),
    ]);
    if (!answer || expected.includes(answer.status) || isTransient(answer)) return answer;
    this.world.history.violation(
      'unexpected answer',
      `${answer.status} ${answer.text.slice(0, 200)}`,
    );
    return undefined;
  }

  /** Nobody was there to ask, or (and then nobody knows what was done) somebody died over it. */
  private broken(error: Error): undefined {
    const refused = (error.cause as { code?: string } | undefined)?.code === 'ECONNREFUSED';
    this.world.history.counts[refused ? 'refused' : 'unknown']++;
  }

  /** Tries until the outcome is known: at most `attempts` times. */
  private async untilCertain(
    work: () => Promise<Answer>,
    attempts: number,
    expected: readonly number[] = [201],
  ): Promise<Answer | undefined> {
    const { history } = this.world;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (attempt > 1) history.counts.retries++;
      const violations = history.violations.length;
      const answer = await this.once(work, expected);
      if (answer && expected.includes(answer.status)) return answer;
      if (!answer && history.violations.length > violations) return undefined;
      await sleep(this.random.between(20, 200));
    }
    return undefined;
  }
}

/** 503 while a store is busy; 409 while another request with the same key is still at work. */
const isTransient = ({ status, body }: Answer): boolean =>
  status === 503 || (status === 409 && body?.code === 'idempotency_key_in_use') || status === 429;

/** Notes what is wrong with pairs that follow each other on a path. */
export function checkPairs(history: History, chatId: string, pairs: readonly any[]): void {
  pairs.forEach((pair, i) => {
    if (i > 0 && pair.seq !== pairs[i - 1].seq + 1)
      history.violation('gap in a path', `${chatId}: ${pair.seq} follows ${pairs[i - 1].seq}`);
    const submission = history.submissions.get(String(pair.question).split(' ')[0]!);
    if (!submission)
      history.violation(
        'nobody sent it',
        `${chatId} at ${pair.seq}: ${pair.question === null ? 'no words' : 'unknown key'}`,
      );
    else if (submission.question !== pair.question || submission.response !== pair.response) {
      history.violation('other words', `${chatId} at ${pair.seq}, key ${submission.key}`);
    }
  });
}
