import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { RawData, WebSocket } from 'ws';
import { readJson } from '../../common/json-body.js';
import { problemOf } from '../../common/problem.filter.js';
import { problemDocument, problems } from '../../common/problems.js';
import { BUFFERED_BYTES_MAX, CLOSE } from '../../common/upgrades.js';
import { DtoPipe } from '../../common/validation.pipe.js';
import { PostChatSessionMessageDto } from './chat-sessions.dto.js';
import type { SessionFeed } from './session-feed.js';

/**
 * Posts of one socket that may wait for their turn; with more, nothing is read from it for a while.
 */
const WAITING_MAX = 16;
/** How long a reader may take to make room: a burst may be too much for a moment for anybody. */
const DRAIN_MS_MAX = 2000;
/** How long a whole session may be on its way. It is held in memory meanwhile. */
const SYNC_MS_MAX = 15_000;
/** How long the good-bye behind it may take. */
const GOODBYE_MS_MAX = 1000;

const pipe = new DtoPipe();
const logger = new Logger('SessionConnection');

export type PostFrame = (body: PostChatSessionMessageDto) => Promise<void>;

/**
 * One socket of one person on one session: what happens goes out by the feed, what the person sends
 * is posted, one after the other.
 */
export class SessionConnection {
  private posting: Promise<void> = Promise.resolve();
  private waiting = 0;

  constructor(
    private readonly socket: WebSocket,
    private readonly post: PostFrame,
  ) {
    socket.on('message', (data, isBinary) => this.take(data, isBinary));
  }

  /** Waits while much is still on its way to the reader; one who makes no room is closed. */
  async send(event: string, data: object): Promise<void> {
    const end = performance.now() + DRAIN_MS_MAX;
    while (this.socket.bufferedAmount > BUFFERED_BYTES_MAX && performance.now() < end)
      await sleep(10);
    if (!this.isOpen) return;
    if (this.socket.bufferedAmount > BUFFERED_BYTES_MAX) this.closeSlow();
    else this.socket.send(JSON.stringify({ event, data }));
  }

  /**
   * Sends the whole session, waits until it has gone out (it may be large, and the reader slow),
   * and then what has happened meanwhile.
   */
  async follow(feed: SessionFeed, session: object): Promise<void> {
    const late = setTimeout(() => this.cutOff(), SYNC_MS_MAX).unref();
    await new Promise<void>((resolve) => {
      this.socket.once('close', () => resolve());
      this.socket.send(JSON.stringify({ event: 'session.sync', data: session }), () => resolve());
    });
    clearTimeout(late);
    await feed.run();
  }

  endToken(): void {
    this.socket.close(CLOSE.unauthorized, 'the token has ended');
  }

  private get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** The reader should come back and read anew. */
  private closeSlow(): void {
    this.socket.close(CLOSE.tryAgainLater, 'reads too slowly');
  }

  /** A closed socket would hold the session until the reader has read it, half a minute at most. */
  private cutOff(): void {
    this.closeSlow();
    setTimeout(() => this.socket.terminate(), GOODBYE_MS_MAX).unref();
  }

  private take(data: RawData, isBinary: boolean): void {
    if (++this.waiting >= WAITING_MAX) this.socket.pause();
    this.posting = this.posting.then(() => this.postFrame(data, isBinary)).then(() => this.taken());
  }

  private taken(): void {
    if (--this.waiting === WAITING_MAX - 1) this.socket.resume();
  }

  /** A frame that cannot be posted is told to its sender; the socket stays. */
  private async postFrame(data: RawData, isBinary: boolean): Promise<void> {
    if (!this.isOpen) return;
    try {
      await this.post(bodyOf(data, isBinary));
    } catch (error) {
      const problem = problemOf(error, 'POST');
      const { code } = problem.kind;
      if (code === 'internal')
        logger.error({
          message: 'post by socket failed',
          cause: String((error as Error).stack ?? error),
        });
      if (code === 'unauthorized') this.endToken();
      else await this.send('error', { code, message: problemDocument(problem)['detail'] });
    }
  }
}

function bodyOf(data: RawData, isBinary: boolean): PostChatSessionMessageDto {
  if (isBinary) throw problems.invalidJson({ detail: 'Send JSON in a text frame.' });
  const metadata = { type: 'body', metatype: PostChatSessionMessageDto } as const;
  // Without another `binaryType` frames are buffers.
  return pipe.transform(readJson(data as Buffer), metadata) as PostChatSessionMessageDto;
}
