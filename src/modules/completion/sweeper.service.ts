import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { GenerationEnds } from './generation-ends.js';
import { ABANDONED, FORGET_ENDED, type GenerationRow } from './generations.sql.js';

const SWEEP_MS = 3000;
const ANSWERS_MAX = 100;
const FORGOTTEN_MAX = 500;

/** Ends the answers of instances that died: what they had put down is kept, and the pair counts as `interrupted`. Every instance does it. */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Answers');
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> | null = null;

  constructor(
    private readonly database: Database,
    private readonly ends: GenerationEnds,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.run(), SWEEP_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** Looks once. Never throws; answers that cannot be ended now are looked at again. */
  run(): Promise<void> {
    return (this.sweeping ??= this.sweep()
      .catch((error: unknown) => this.logger.debug({ message: 'answers could not be looked at', cause: (error as Error).message }))
      .finally(() => (this.sweeping = null)));
  }

  private async sweep(): Promise<void> {
    for (const row of await this.database.query<GenerationRow>(ABANDONED, [ANSWERS_MAX])) await this.endOne(row);
    await this.database.query(FORGET_ENDED, [FORGOTTEN_MAX]);
  }

  private async endOne({ status, ...row }: GenerationRow): Promise<void> {
    const ref = {
      accountId: row.account_id,
      generationId: row.generation_id,
      rootChatId: row.root_chat_id,
      chatId: row.chat_id,
      responseId: row.response_id,
    };
    const wasStopped = status === 'stopping';
    try {
      const outcome = { status: wasStopped ? 'cancelled' : 'interrupted', model: null, usage: null, error: null } as const;
      const end = await this.ends.end(ref, outcome, true);
      if (end)
        this.logger.warn({ message: 'ended the answer of an instance that is gone', chatId: ref.chatId, responseId: ref.responseId });
    } catch (error) {
      this.logger.warn({ message: 'an abandoned answer is ended later', responseId: ref.responseId, cause: (error as Error).message });
    }
  }
}
