import type { Server, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ShutdownTimes } from '../runtime/shutdown.js';
import { ClosesAt } from '../runtime/shutdown.module.js';

/** Answers that were interrupted just now still go out before connections are cut. */
const LAST_WORD_MS = 500;
const SWEEP_MS = 50;

/** How the HTTP server stops. What is left to Fastify then is its own. */
@Injectable()
export class HttpClosing {
  private closed: Promise<void> = Promise.resolve();

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly times: ShutdownTimes,
  ) {}

  /** Serves on for the delay, so that nobody meets a closed door whom nobody could tell. */
  @ClosesAt('notice')
  async tell(): Promise<void> {
    if (!this.server.listening) return;
    this.server.prependListener('request', (_request: unknown, response: ServerResponse) =>
      response.setHeader('connection', 'close'),
    );
    await sleep(this.times.delayMs);
  }

  /** Not waited for: connections are still at work. */
  @ClosesAt('door')
  shut(): void {
    this.closed = new Promise((resolve) => this.server.close(() => resolve()));
  }

  @ClosesAt('requests')
  async end(drainMs: number): Promise<void> {
    // Node closes connections that are idle when the door is shut, and would wait for those that
    // become so later until their keep-alive ends.
    const sweep = setInterval(() => this.server.closeIdleConnections(), SWEEP_MS).unref();
    const cut = setTimeout(
      () => this.server.closeAllConnections(),
      Math.max(drainMs, LAST_WORD_MS),
    );
    await this.closed;
    clearTimeout(cut);
    clearInterval(sweep);
  }

  private get server(): Server {
    return this.host.httpAdapter.getHttpServer() as Server;
  }
}
