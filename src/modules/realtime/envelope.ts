import type { AccountEventType } from '../../events/account-changes.js';
import { sentEvent } from '../../runtime/event-stream.js';
import { textFrame } from './text-frame.js';

/**
 * An event as everybody gets it. Its bytes are made once, however many read it: frames that wait
 * for slow readers then share them.
 */
export class Envelope {
  private bytes: Buffer | undefined;
  private record: Buffer | undefined;

  /**
   * @param data JSON
   * @param isLast whether the conversation is deleted: nothing follows
   */
  constructor(
    readonly event: AccountEventType,
    readonly seq: number,
    private readonly data: string,
    readonly isLast: boolean,
    private readonly responseId: string | null = null,
  ) {}

  /**
   * The pair that it tells for the first time, or whose answer is tried again; null for all else.
   */
  get begins(): string | null {
    return this.event === 'message.created' ? this.responseId : null;
  }

  /** The pair whose answer ends with it; null for all else. */
  get endOf(): string | null {
    return this.event === 'message.completed' || this.event === 'message.failed'
      ? this.responseId
      : null;
  }

  get json(): string {
    return `{"event":"${this.event}","data":${this.data},"seq":${this.seq}}`;
  }

  /**
   * As a whole WebSocket frame: one write for each reader instead of two, of one buffer for all.
   */
  get frame(): Buffer {
    return (this.bytes ??= textFrame(Buffer.from(this.json)));
  }

  /** As a server-sent event. */
  get serverSent(): Buffer {
    return (this.record ??= Buffer.from(sentEvent(this.json, this.event, this.seq)));
  }
}

/** What is said to one client alone: without a `seq`. */
export const control = (event: string, data: object = {}): string =>
  JSON.stringify({ event, data });
