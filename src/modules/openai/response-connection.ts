import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { RawData, WebSocket } from 'ws';
import { isObject } from '../../common/is-object.js';
import { CHAT_BOUNDS, readJson } from '../../common/json-body.js';
import { openAiError, openAiStatus } from '../../common/openai-error.js';
import { problemOf } from '../../common/problem.filter.js';
import { invalidField, problems } from '../../common/problems.js';
import { BUFFERED_BYTES_MAX, CLOSE } from '../../common/upgrades.js';
import { DtoPipe } from '../../common/validation.pipe.js';
import { CreateResponseDto } from './create-response.dto.js';
import { RESPONSE_FIELDS } from './field-fates.js';
import { furtherFields } from './further-fields.js';
import type { ResponseEvent } from './item-events.js';
import type { RememberedResponse } from './direct-responses.service.js';
import type { ResponseFrames } from './response-frames.service.js';

/** Frames of one socket that may wait for their turn; with more, nothing is read from it. */
const WAITING_MAX = 16;
const DRAIN_LOOK_MS = 10;

const pipe = new DtoPipe();
const logger = new Logger('ResponseConnection');

/** Who asks, and whether it may. */
export interface Asker {
  accountId: string;
  /** Looked at before each frame. @throws unauthorized, rate_limited */
  admit: () => Promise<void>;
}

/**
 * One socket on which responses are asked for, one after the other. What is not stored is
 * remembered here, the last one alone, until the socket is closed or going on from it fails.
 */
export class ResponseConnection {
  private readonly gone = new AbortController();
  private answering: Promise<void> = Promise.resolve();
  private waiting = 0;
  private remembered: RememberedResponse | null = null;

  constructor(
    private readonly socket: WebSocket,
    private readonly frames: ResponseFrames,
    private readonly asker: Asker,
  ) {
    socket.on('message', (data, isBinary) => this.take(data, isBinary));
    socket.on('close', () => this.gone.abort());
  }

  endToken(): void {
    this.socket.close(CLOSE.unauthorized, 'the token has ended');
  }

  private take(data: RawData, isBinary: boolean): void {
    if (++this.waiting >= WAITING_MAX) this.socket.pause();
    this.answering = this.answering
      .then(() => this.answer(data, isBinary))
      .then(() => {
        if (--this.waiting === WAITING_MAX - 1) this.socket.resume();
      });
  }

  /** A frame that cannot be answered is told to its sender; the socket stays. */
  private async answer(data: RawData, isBinary: boolean): Promise<void> {
    if (!this.isOpen) return;
    let body: CreateResponseDto | null = null;
    try {
      await this.asker.admit();
      body = frameOf(data, isBinary);
      const { accountId } = this.asker;
      const { signal } = this.gone;
      const asked = { accountId, body, signal, remembered: this.remembered };
      const { events, remember } = await this.frames.answer(asked);
      for await (const some of events) for (const event of some) await this.send(event);
      if (body.store === false) this.remembered = remember();
    } catch (error) {
      this.forget(body);
      await this.refuse(error);
    }
  }

  /** Whoever cannot go on from it has to send all of it again. */
  private forget(body: CreateResponseDto | null): void {
    const { responseId } = this.remembered ?? {};
    if (body?.previous_response_id === `resp_${responseId}`) this.remembered = null;
  }

  private async refuse(error: unknown): Promise<void> {
    const problem = problemOf(error, 'POST');
    const { code } = problem.kind;
    if (code === 'internal')
      logger.error({
        message: 'a response by socket failed',
        cause: String((error as Error).stack ?? error),
      });
    if (code === 'unauthorized') return this.endToken();
    const status = openAiStatus(problem.kind);
    await this.send({ type: 'error', status, ...openAiError(problem) });
  }

  /** A reader that is slow has the events made later. */
  private async send(event: ResponseEvent | { type: 'error' }): Promise<void> {
    while (this.socket.bufferedAmount > BUFFERED_BYTES_MAX && this.isOpen)
      await sleep(DRAIN_LOOK_MS);
    if (this.isOpen) this.socket.send(JSON.stringify(event));
  }

  private get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }
}

/** @throws invalid_json, 422 */
function frameOf(data: RawData, isBinary: boolean): CreateResponseDto {
  if (isBinary) throw problems.invalidJson({ detail: 'Send JSON in a text frame.' });
  // Without another `binaryType` frames are buffers.
  const frame = readJson(data as Buffer, CHAT_BOUNDS);
  if (!isObject(frame)) throw invalidField('', 'the frame must be a JSON object');
  const { type, stream: _stream, generate, ...body } = frame;
  if (type !== 'response.create') throw invalidField('type', 'must be response.create');
  if (generate !== undefined && generate !== null && generate !== true)
    throw invalidField('generate', 'must be true: nothing is prepared here; leave it out');
  if (body['background'] === true)
    throw invalidField('background', 'must be false: a socket has its answer at once');
  const metadata = { type: 'body', metatype: CreateResponseDto } as const;
  const dto = pipe.transform(body, metadata) as CreateResponseDto;
  return { ...dto, more: furtherFields(body, RESPONSE_FIELDS) };
}
