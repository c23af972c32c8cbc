import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import { GenerationService } from '../completion/generation.service.js';

/** What a post does that comes while an answer is still being written: waits for its end, is refused, or ends it. */
export const ON_BUSY = ['queue', 'reject', 'interrupt'] as const;
export type OnBusy = (typeof ON_BUSY)[number];

/** Whose turn it is in a chat where an answer is being written. */
@Injectable()
export class Turns {
  constructor(
    private readonly generations: GenerationService,
    private readonly config: Config,
  ) {}

  /** Until when a post waits that comes now, by `performance.now()`. */
  deadline(): number {
    return performance.now() + this.config.LLM_TIMEOUT_SECONDS * 1000;
  }

  /**
   * Comes back when there is no answer in the way any more. It may be that another post comes before.
   * @throws generation_in_progress for `reject`, and when it takes too long
   */
  async wait(accountId: string, chatId: string, onBusy: OnBusy, deadline: number): Promise<void> {
    const responseId = await this.generations.runningIn(accountId, chatId);
    if (responseId === null) return;
    if (onBusy === 'reject') throw problems.generationInProgress();
    if (onBusy === 'interrupt') return void (await this.generations.stop(accountId, chatId, responseId));
    if (!(await this.generations.hasEnded(accountId, responseId, deadline))) {
      throw problems.generationInProgress({ detail: 'An answer is still being written in this chat, and takes long.' });
    }
  }
}
