import { Injectable } from '@nestjs/common';
import type { Answer } from '../answer/answer.js';
import { RetryService } from '../answer/retry.service.js';
import { type Revision, RevisionService } from '../answer/revision.service.js';
import { PathService } from '../chat/path.service.js';
import { cameToNothing } from '../client-chat/pair-parts.js';
import { Steps } from './steps.service.js';
import type { UiAnswer } from './ui-message-stream.js';

/** Answers that are asked for once more, as `regenerate()` of `useChat` does. */
@Injectable()
export class Regenerations {
  constructor(
    private readonly paths: PathService,
    private readonly retries: RetryService,
    private readonly revisions: RevisionService,
    private readonly steps: Steps,
  ) {}

  /**
   * A message whose last turn came to nothing has that tried again in its place; beside any other
   * one a sibling is made, as somebody may want it back.
   * @param revision names the first pair of the message
   * @throws what `RetryService.retry` and `RevisionService.revise` throw
   */
  async again(revision: Revision): Promise<UiAnswer> {
    const { accountId, chatId, responseId } = revision;
    const first = await this.paths.pair(accountId, chatId, responseId);
    const last = (await this.steps.from(accountId, chatId, first)).at(-1)!;
    if (!cameToNothing(last)) return told(await this.revisions.revise(revision));
    const answer = await this.retries.retry({ ...revision, responseId: last.responseId });
    return { events: answer.events(), head: await this.steps.headOf(accountId, chatId, last) };
  }
}

const told = (answer: Answer): UiAnswer => ({ events: answer.events(), head: {} });
