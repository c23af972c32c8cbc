import { randomUUID } from 'node:crypto';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Channel } from './channel.js';

/** Ids that come within this time share a message. */
const GATHER_MS = 20;
/** While the channel is away: whoever is not woken finds out within a second by looking. */
const WAITING_MAX = 10_000;

/**
 * Tells other instances which conversations have something new: their ids and nothing else. A message is `<instance> <id> <id> …`, at most
 * one is on its way, and the first one after a quiet time leaves at once.
 */
@Injectable()
export class WakeUps implements OnModuleDestroy {
  private readonly instance = randomUUID();
  private readonly waiting = new Set<string>();
  private sending = false;
  private listening = false;

  constructor(private readonly channel: Channel) {}

  /** Returns at once and never throws. */
  tell(rootChatId: string): void {
    if (this.waiting.size < WAITING_MAX) this.waiting.add(rootChatId);
    if (this.sending) return;
    this.sending = true;
    setImmediate(() => void this.sendAll());
  }

  /** From now on `wake` is called with ids that other instances tell. The first call connects; an instance that nobody asks needs no ear. */
  listen(wake: (rootChatId: string) => void): void {
    if (this.listening) return;
    this.listening = true;
    this.channel.listen((message) => {
      const [instance, ...rootChatIds] = message.split(' ');
      if (instance !== this.instance) rootChatIds.forEach(wake);
    });
  }

  onModuleDestroy(): Promise<void> {
    this.waiting.clear();
    return this.channel.close();
  }

  private async sendAll(): Promise<void> {
    while (this.waiting.size > 0) {
      const message = this.nextMessage();
      // Lost: those who listen look for themselves.
      await this.channel.send(message).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS).unref());
    }
    this.sending = false;
  }

  private nextMessage(): string {
    let message = this.instance;
    for (const id of this.waiting) {
      if (message.length + 1 + id.length > this.channel.charsMax) break;
      message += ` ${id}`;
      this.waiting.delete(id);
    }
    return message;
  }
}
