import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { StoreRefusesError } from '../common/store-refusal.js';
import { Database } from '../database/database.js';
import { tryToWrite } from '../database/try-to-write.js';
import { Loop } from '../runtime/loop.js';
import { Outage } from '../runtime/outage.js';
import { ClosesAt } from '../runtime/shutdown.module.js';
import { ContentStore } from './content-store.js';

const LOOK_MS = 10_000;
const LOOK_AGAIN_MS = 2000;

type Store = 'postgres' | 'content';

/**
 * Knows whether the stores take writes: one whose disk is full answers every question and keeps
 * nothing. They are asked by writing something that nobody reads, now and then, and more often
 * while one refuses.
 */
@Injectable()
export class StoreWrites implements OnApplicationBootstrap {
  private readonly logger = new Logger('Stores');
  private readonly refusals: Record<Store, string | null> = { postgres: null, content: null };
  private readonly loop = new Loop(
    () => this.lookAgain(),
    new Outage((cause) =>
      this.logger.warn({
        message: 'the stores could not be asked whether they take writes',
        cause,
      }),
    ),
  );

  constructor(
    private readonly database: Database,
    private readonly content: ContentStore,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** Why the store takes no writes, in a sentence; null while it does, and while nobody knows. */
  refusalOf(store: Store): string | null {
    return this.refusals[store];
  }

  /** Asks both stores. Never throws. */
  async look(): Promise<void> {
    await Promise.all([
      this.ask('postgres', () => tryToWrite(this.database)),
      this.ask('content', () => this.content.tryToWrite()),
    ]);
  }

  private async lookAgain(): Promise<number> {
    await this.look();
    const { postgres, content } = this.refusals;
    return postgres === null && content === null ? LOOK_MS : LOOK_AGAIN_MS;
  }

  private async ask(store: Store, write: () => Promise<void>): Promise<void> {
    const before = this.refusals[store];
    this.refusals[store] = await write().then(() => null, refusalIn);
    const now = this.refusals[store];
    if (now !== null && now !== before) this.logger.error({ message: now });
    if (now === null && before !== null)
      this.logger.log({ message: 'writes are taken again', store });
  }
}

/** One that is away is told by others. */
const refusalIn = (error: unknown): string | null =>
  error instanceof StoreRefusesError ? error.message : null;
