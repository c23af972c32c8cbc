import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Channel } from './channel.js';

/** Ids that come within this time share a message. */
const GATHER_MS = 20;
/** While the channel is away: whoever is not woken finds out within a second by looking. */
const WAITING_MAX = 10_000;

/** What there is new of a conversation: events, or pieces of answers. */
export type News = 'events' | 'pieces';
/** What stands before an id. */
const MARKS: Record<News, string> = { events: '', pieces: 'p:' };

/**
 * Tells other instances which conversations have something new: their ids and nothing else. A message is `<instance> <id> <id> …`, at most
 * one is on its way, and the first one after a quiet time leaves at once. Ids with a mark that an instance does not know are nothing to it.
 */
@Injectable()
export class WakeUps implements OnApplicationShutdown {
  private readonly instance = randomUUID();
  private readonly waiting = new Set<string>();
  private sending = false;
  private listening = false;

  constructor(private readonly channel: Channel) {}

  /** Returns at once and never throws. */
  tell(news: News, rootChatId: string): void {
    if (this.waiting.size < WAITING_MAX) this.waiting.add(MARKS[news] + rootChatId);
    if (this.sending) return;
    this.sending = true;
    setImmediate(() => void this.sendAll());
  }

  /** From now on `wake` is called with ids that other instances tell. The first call connects; an instance that nobody asks needs no ear. */
  listen(wake: (news: News, rootChatId: string) => void): void {
    if (this.listening) return;
    this.listening = true;
    this.channel.listen((message) => {
      const [instance, ...words] = message.split(' ');
      if (instance === this.instance) return;
      for (const word of words) {
        const isOfPieces = word.startsWith(MARKS.pieces);
        wake(isOfPieces ? 'pieces' : 'events', isOfPieces ? word.slice(MARKS.pieces.length) : word);
      }
    });
  }

  /** Sends at once what waits. Never throws. */
  async flush(): Promise<void> {
    while (this.waiting.size > 0) await this.sendOne();
  }

  /** Not earlier: until then answers may end. */
  onApplicationShutdown(): Promise<void> {
    this.waiting.clear();
    return this.channel.close();
  }

  private async sendAll(): Promise<void> {
    while (this.waiting.size > 0) {
      await this.sendOne();
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS).unref());
    }
    this.sending = false;
  }

  /** What is lost is nothing: those who listen look for themselves. */
  private async sendOne(): Promise<void> {
    await this.channel.send(this.nextMessage()).catch(() => undefined);
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
