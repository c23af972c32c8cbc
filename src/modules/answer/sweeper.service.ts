import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import { AnswerEnds } from './answer-ends.js';
import { ABANDONED, FORGET_ENDED, type GenerationRow } from './answer.sql.js';

const SWEEP_MS = 3000;
const ANSWERS_MAX = 100;
const FORGOTTEN_MAX = 500;

/**
 * Ends the answers of instances that died: what they had put down is kept, and the pair counts as
 * `interrupted`. Every instance does it.
 */
@Injectable()
export class Sweeper implements OnApplicationBootstrap {
  private readonly logger = new Logger('Answers');
  private readonly loop = new Loop(
    () => this.sweep(),
    new Outage((cause) => this.logger.debug({ message: 'answers could not be looked at', cause })),
    { everyMs: SWEEP_MS },
  );

  constructor(
    private readonly database: Database,
    private readonly ends: AnswerEnds,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** Looks once. Never throws; answers that cannot be ended now are looked at again. */
  run(): Promise<void> {
    return this.loop.flush();
  }

  private async sweep(): Promise<void> {
    for (const row of await this.database.query<GenerationRow>(ABANDONED, [ANSWERS_MAX]))
      await this.endOne(row);
    await this.database.query(FORGET_ENDED, [FORGOTTEN_MAX]);
  }

  private async endOne(row: GenerationRow): Promise<void> {
    const about = { chatId: row.chat_id, responseId: row.response_id };
    try {
      if (await this.ends.endAbandoned(row))
        this.logger.warn({ message: 'ended the answer of an instance that is gone', ...about });
    } catch (error) {
      this.logger.warn({
        message: 'an abandoned answer is ended later',
        ...about,
        cause: (error as Error).message,
      });
    }
  }
}
