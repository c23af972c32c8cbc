import type { Delta } from '../../events/event-dispatcher.js';
import { control } from './envelope.js';

/** At most 30 frames a second. */
const PACE_MS = 34;

/**
 * Gathers the pieces of answers for one reader: the first one goes at once, those that come within the next 34 ms go together. `n` of a
 * gathered frame is that of its last piece.
 */
export class DeltaTray {
  private readonly pending = new Map<string, { n: number; delta: string }>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly send: (event: string, json: string) => void) {}

  add({ responseId, n, delta }: Delta): void {
    const before = this.pending.get(responseId);
    this.pending.set(responseId, { n, delta: before ? before.delta + delta : delta });
    if (!this.timer) this.sendNext();
  }

  /** Sends all at once: before an event, which may be the end of an answer. */
  empty(): void {
    for (const responseId of this.pending.keys()) this.sendOne(responseId);
  }

  close(): void {
    clearTimeout(this.timer);
    this.pending.clear();
  }

  /** One answer a frame; several that are written at the same time take turns. */
  private sendNext(): void {
    const [responseId] = this.pending.keys();
    this.timer = undefined;
    if (responseId === undefined) return;
    this.sendOne(responseId);
    this.timer = setTimeout(() => this.sendNext(), PACE_MS).unref();
  }

  private sendOne(responseId: string): void {
    const { n, delta } = this.pending.get(responseId)!;
    this.pending.delete(responseId);
    this.send('message.delta', control('message.delta', { response_id: responseId, n, delta }));
  }
}
