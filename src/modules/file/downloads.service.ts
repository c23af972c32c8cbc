import type { Readable } from 'node:stream';
import { HttpStatus, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { askedRange, hasIt, setContentHeaders } from './content.js';
import { Files } from './files.service.js';

/** Answers with bytes of files. */
@Injectable()
export class Downloads {
  constructor(private readonly files: Files) {}

  /**
   * The bytes that a request asks for, with their headers; nothing for who has them (304).
   * @throws file_not_found, range_not_satisfiable, content_unavailable
   */
  async answer(
    accountId: string,
    fileId: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Readable | undefined> {
    const file = await this.files.find(accountId, fileId);
    setContentHeaders(reply, file);
    if (hasIt(request, file)) {
      reply.status(HttpStatus.NOT_MODIFIED);
      return undefined;
    }
    const asked = askedRange(request, file);
    const range = asked ?? { from: 0, to: file.bytes };
    const { bytes } = await this.files.read(accountId, fileId, range);
    reply.header('content-length', range.to - range.from);
    if (asked) {
      reply.status(HttpStatus.PARTIAL_CONTENT);
      reply.header('content-range', `bytes ${range.from}-${range.to - 1}/${file.bytes}`);
    }
    return bytes;
  }
}
