import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import type { MessageStatus } from '../chat/message.entity.js';
import { PathService } from '../chat/path.service.js';
import type { AnswerStream } from '../completion/answer-event.js';
import type { AppendAnswer } from './append.service.js';
import { Asker } from './asker.js';
import { type Posted, Postings } from './postings.js';
import { type Revision, RevisionService } from './revision.service.js';
import { Turns } from './turns.js';

const RETRYABLE: readonly MessageStatus[] = ['failed', 'interrupted', 'cancelled'];

/** Answers that did not come to their end, tried again. */
@Injectable()
export class RetryService {
  constructor(
    private readonly asker: Asker,
    private readonly paths: PathService,
    private readonly postings: Postings,
    private readonly revisions: RevisionService,
    private readonly turns: Turns,
  ) {}

  /** The pair with its new answer, at its end. @throws like `begin` */
  async retry(revision: Revision): Promise<AppendAnswer> {
    return this.postings.whole(revision.accountId, await this.begin(revision), revision.idempotent);
  }

  /** The same as it happens. @throws like `begin` */
  async retryStreamed(revision: Revision): Promise<AnswerStream> {
    return this.postings.streamed(revision.accountId, await this.begin(revision));
  }

  /**
   * The answer is written in its place, as a further version. A pair that somebody inherited does not change under him (R3): there the new
   * answer is on a sibling branch, as by `regenerate`.
   * @throws chat_not_found, message_not_found, answer_not_retryable, generation_in_progress, too_many_answers, tokens_spent
   */
  private async begin(revision: Revision): Promise<Posted> {
    this.asker.assertRoom();
    const { accountId, chatId, responseId, idempotent } = revision;
    for (const deadline = this.turns.deadline(); ;) {
      const replay = await this.postings.replay(accountId, idempotent);
      if (replay) return replay;
      const pair = await this.paths.pair(accountId, chatId, responseId);
      if (pair.status === 'streaming') throw problems.generationInProgress();
      if (!RETRYABLE.includes(pair.status)) throw problems.answerNotRetryable();
      const posted = pair.chatId === chatId ? await this.asker.askAgain(accountId, pair, idempotent) : 'inherited';
      if (posted === 'inherited') return this.revisions.begin(revision);
      if (posted !== 'busy') return posted;
      await this.turns.wait(accountId, chatId, 'queue', deadline);
    }
  }
}
