import type { Delta } from '../../events/event-dispatcher.js';
import { sentEvent } from '../../runtime/event-stream.js';
import { control } from './envelope.js';
import { textFrame } from './text-frame.js';

/**
 * Pieces of an answer that follow each other, as `message.delta` tells them. Readers who gathered
 * the same share one, and so its bytes: they are made once, however many read it.
 */
export class Pieces {
  private bytes: Buffer | undefined;
  private record: Buffer | undefined;
  /** Those who gathered the same so far mostly go on with the same. */
  private longer: { next: Pieces; joined: Pieces } | undefined;

  constructor(readonly delta: Delta) {}

  with(next: Pieces): Pieces {
    if (this.longer?.next !== next) {
      const joined = new Pieces({
        ...this.delta,
        n: next.delta.n,
        delta: this.delta.delta + next.delta.delta,
      });
      this.longer = { next, joined };
    }
    return this.longer.joined;
  }

  isFollowedBy({ delta: { generationId, from } }: Pieces): boolean {
    return generationId === this.delta.generationId && from === this.delta.n + 1;
  }

  /** As a whole WebSocket frame. */
  get frame(): Buffer {
    return (this.bytes ??= textFrame(Buffer.from(this.json)));
  }

  /** As a server-sent event. */
  get serverSent(): Buffer {
    return (this.record ??= Buffer.from(sentEvent(this.json, 'message.delta')));
  }

  private get json(): string {
    const { responseId, chatId, rootChatId, from, n, delta } = this.delta;
    return control('message.delta', {
      response_id: responseId,
      chat_id: chatId,
      root_chat_id: rootChatId,
      from,
      n,
      delta,
    });
  }
}
