import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { AnswerHub } from './answer-hub.js';

/**
 * What is kept of the drain time for storing what had to be interrupted, before connections are
 * cut.
 */
const STORE_MS = 500;
const LOOK_MS = 50;

/**
 * At the stop of this instance its answers get the drain time; those that need longer are
 * interrupted, with what is there of them.
 */
@Injectable()
export class AnswerDrain implements BeforeApplicationShutdown {
  constructor(
    private readonly hub: AnswerHub,
    private readonly events: EventDispatcher,
    private readonly config: Config,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    const until = performance.now() + this.config.SHUTDOWN_TIMEOUT_SECONDS * 1000 - STORE_MS;
    while (this.hub.size > 0 && performance.now() < until) await sleep(LOOK_MS);
    this.hub.close();
    const running = this.hub.all();
    for (const generation of running) generation.stop('interrupted');
    await Promise.allSettled(running.map(({ ended }) => ended));
    await this.events.flush();
  }
}
