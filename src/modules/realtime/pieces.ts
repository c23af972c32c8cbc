import { exactJson } from '../../common/exact-json.js';
import type { Delta } from '../../events/event-dispatcher.js';
import { sentEvent } from '../../runtime/event-stream.js';
import { joinRuns, type Run } from '../../tree/part-pieces.js';
import { textFrame } from './text-frame.js';

/**
 * Pieces of an answer that follow each other, as `message.delta` and `message.part` tell them.
 * Readers who gathered the same share one, and so its bytes: they are made once, however many read
 * it.
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
        runs: joinRuns(this.delta.runs, next.delta.runs),
      });
      this.longer = { next, joined };
    }
    return this.longer.joined;
  }

  isFollowedBy({ delta: { generationId, from } }: Pieces): boolean {
    return generationId === this.delta.generationId && from === this.delta.n + 1;
  }

  /** As whole WebSocket frames, one for each run. */
  get frame(): Buffer {
    return (this.bytes ??= Buffer.concat(
      this.delta.runs.map((run) => textFrame(Buffer.from(this.jsonOf(run)))),
    ));
  }

  /** As server-sent events. */
  get serverSent(): Buffer {
    return (this.record ??= Buffer.from(
      this.delta.runs.map((run) => sentEvent(this.jsonOf(run), eventOf(run))).join(''),
    ));
  }

  private jsonOf(run: Run): string {
    const { responseId, chatId, rootChatId } = this.delta;
    const ids = `"response_id":"${responseId}","chat_id":"${chatId}","root_chat_id":"${rootChatId}"`;
    const said = 'delta' in run ? JSON.stringify(run.delta) : exactJson(run.part);
    return `{"event":"${eventOf(run)}","data":{${ids},"from":${run.from},"n":${run.n},"${'delta' in run ? 'delta' : 'part'}":${said}}}`;
  }
}

const eventOf = (run: Run): string => ('delta' in run ? 'message.delta' : 'message.part');
