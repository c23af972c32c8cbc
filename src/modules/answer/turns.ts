import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import type { OnBusy } from '../message/message.dto.js';
import { AnswerReader } from './answer-reader.js';
import { Answers } from './answers.service.js';

/** Whose turn it is in a chat where an answer is being written. */
@Injectable()
export class Turns {
  constructor(
    private readonly answers: Answers,
    private readonly reader: AnswerReader,
    private readonly config: Config,
  ) {}

  /** Until when a post waits that comes now, by `performance.now()`. */
  deadline(): number {
    return performance.now() + this.config.LLM_TIMEOUT_SECONDS * 1000;
  }

  /**
   * Comes back when there is no answer in the way any more. It may be that another post comes
   * before.
   * @throws generation_in_progress for `reject`, and when it takes too long
   */
  async wait(accountId: string, chatId: string, onBusy: OnBusy, deadline: number): Promise<void> {
    const running = await this.reader.runningIn(accountId, chatId);
    if (running === null) return;
    const { response_id: responseId } = running;
    if (onBusy === 'reject') throw problems.generationInProgress();
    if (onBusy === 'interrupt')
      return void (await (await this.answers.find(accountId, chatId, responseId)).stop());
    if (!(await this.reader.hasEnded(accountId, responseId, deadline))) {
      throw problems.generationInProgress({
        detail: 'An answer is still being written in this chat, and takes long.',
      });
    }
  }
}
