import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ClosesAt } from '../../runtime/shutdown.module.js';
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
export class AnswerDrain {
  constructor(private readonly hub: AnswerHub) {}

  @ClosesAt('answers')
  async drain(drainMs: number): Promise<void> {
    const until = performance.now() + drainMs - STORE_MS;
    while (this.hub.size > 0 && performance.now() < until) await sleep(LOOK_MS);
    this.hub.close();
    const running = this.hub.all();
    for (const generation of running) generation.stop('interrupted');
    await Promise.allSettled(running.map(({ ended }) => ended));
  }
}
