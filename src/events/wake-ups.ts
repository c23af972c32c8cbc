import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Loop } from '../runtime/loop.js';
import { Outage } from '../runtime/outage.js';
import { ClosesAt } from '../runtime/shutdown.module.js';
import { Channel } from './channel.js';

/** Ids that come within this time share a message. */
const GATHER_MS = 20;
/**
 * While the channel is away: whoever is not woken finds out by looking, conversations within a
 * second.
 */
const WAITING_MAX = 10_000;

/**
 * What there is to look at: new events of a conversation, new pieces of its answers, what an
 * account has outside of conversations, or a sign-in, key or account that may have ended.
 */
export type Kind = 'events' | 'pieces' | 'account' | 'end';

/**
 * Tells other instances what they should look at again: kinds and ids, and nothing else. A message
 * is `<instance> <kind>:<id> <kind>:<id> …`, at most one is on its way, and the first one after a
 * quiet time leaves at once. A kind that an instance does not know is nothing to it.
 */
@Injectable()
export class WakeUps {
  private readonly instance = randomUUID();
  private readonly waiting = new Set<string>();
  private readonly listeners = new Map<Kind, (id: string) => void>();
  private readonly loop = new Loop(
    () => this.sendOne(),
    new Outage((cause) =>
      new Logger('Events').debug({ message: 'other instances could not be told', cause }),
    ),
    { restMs: GATHER_MS },
  );

  constructor(private readonly channel: Channel) {}

  /** Returns at once and never throws. @param id has no space in it */
  tell(kind: Kind, id: string): void {
    if (this.waiting.size < WAITING_MAX) this.waiting.add(`${kind}:${id}`);
    this.loop.wake();
  }

  /**
   * From now on `wake` is called with ids of that kind that other instances tell; one listener for
   * each kind. The first call connects: an instance that nobody asks needs no ear.
   */
  listen(kind: Kind, wake: (id: string) => void): void {
    this.listeners.set(kind, wake);
    if (this.listeners.size === 1) this.channel.listen((message) => this.hear(message));
  }

  /**
   * Sends at once what waits. What is lost is nothing: those who listen look for themselves.
   */
  @ClosesAt('publish')
  async close(): Promise<void> {
    while (this.waiting.size > 0) await this.loop.flush();
    await this.loop.stop();
    await this.channel.close();
  }

  private hear(message: string): void {
    const [instance, ...words] = message.split(' ');
    if (instance === this.instance) return;
    for (const word of words) {
      const colon = word.indexOf(':');
      this.listeners.get(word.slice(0, colon) as Kind)?.(word.slice(colon + 1));
    }
  }

  private async sendOne(): Promise<void> {
    if (this.waiting.size > 0) await this.channel.send(this.nextMessage());
    if (this.waiting.size > 0) this.loop.wake();
  }

  private nextMessage(): string {
    let message = this.instance;
    for (const word of this.waiting) {
      if (message.length + 1 + word.length > this.channel.charsMax) break;
      message += ` ${word}`;
      this.waiting.delete(word);
    }
    return message;
  }
}
