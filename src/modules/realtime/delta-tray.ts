import type { Envelope } from './envelope.js';
import type { Pieces } from './pieces.js';

/** At most 30 frames a second, besides the last one of each answer. */
const PACE_MS = 34;

/**
 * Gathers the pieces of answers for one reader: the first one goes at once, those that come within
 * the next 34 ms go together.
 */
export class DeltaTray {
  /** By answer. */
  private readonly pending = new Map<string, Pieces>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly send: (pieces: Pieces) => void) {}

  add(pieces: Pieces): void {
    const { responseId } = pieces.delta;
    const before = this.pending.get(responseId);
    // Whoever subscribes again is told all of the answer again.
    this.pending.set(responseId, before?.isFollowedBy(pieces) ? before.with(pieces) : pieces);
    if (!this.timer) this.sendNext();
  }

  /**
   * Sends what must not come behind these events: the last pieces of the answers that end with
   * them.
   */
  sendBefore(events: readonly Envelope[]): void {
    for (const { endOf } of events)
      if (endOf !== null && this.pending.has(endOf)) this.sendOne(endOf);
  }

  /** Nothing of a conversation may come any more. */
  drop(rootChatId: string): void {
    for (const [responseId, { delta }] of this.pending)
      if (delta.rootChatId === rootChatId) this.pending.delete(responseId);
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
    const pieces = this.pending.get(responseId)!;
    this.pending.delete(responseId);
    this.send(pieces);
  }
}
