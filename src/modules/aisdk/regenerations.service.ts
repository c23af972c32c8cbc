import { Injectable } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import type { Answer } from '../answer/answer.js';
import { RetryService } from '../answer/retry.service.js';
import { type Revision, RevisionService } from '../answer/revision.service.js';

/** Answers that are asked for once more, as `regenerate()` of `useChat` does. */
@Injectable()
export class Regenerations {
  constructor(
    private readonly paths: PathService,
    private readonly retries: RetryService,
    private readonly revisions: RevisionService,
  ) {}

  /**
   * An answer that came to nothing is tried again in its place; beside any other one a sibling is
   * made, as somebody may want it back.
   * @throws what `RetryService.retry` and `RevisionService.revise` throw
   */
  async again(revision: Revision): Promise<Answer> {
    const { accountId, chatId, responseId } = revision;
    const pair = await this.paths.pair(accountId, chatId, responseId);
    return cameToNothing(pair) ? this.retries.retry(revision) : this.revisions.revise(revision);
  }
}

/** Whoever has stopped an answer may want to keep what was there of it. */
const cameToNothing = ({ status, body }: Pair): boolean =>
  status === 'failed' ||
  status === 'interrupted' ||
  (status === 'cancelled' && !wordsOf(body).response);
