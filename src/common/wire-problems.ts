import { randomUUID } from 'node:crypto';
import { maxHeaderSize, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Problem, problemDocument, problems } from './problems.js';

/** What Node's parser says of a request that never came to be one. */
interface BrokenRequest extends Error {
  code?: string;
  reason?: string;
  rawPacket?: unknown;
}

/** RFC 9112, 3, with any token for a method: such a line is not broken, its method is unknown. */
const REQUEST_LINE = /^[\w!#$%&'*+.^`|~-]+ [!-~]+ HTTP\/1\.[01]\r?\n/;

/** Answers a problem on a bare connection, where no framework does, and ends it. */
export function endWithProblem(
  socket: Socket,
  problem: Problem,
  requestId: string = randomUUID(),
): void {
  const { status } = problem.kind;
  const body = JSON.stringify(problemDocument(problem, requestId));
  const headers = {
    connection: 'close',
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-request-id': requestId,
    ...problem.details.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

/** For Node's `clientError`: what cannot be read as a request is told as a problem too. */
export function answerBrokenRequest(error: BrokenRequest, socket: Socket): void {
  const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse };
  // In the middle of an answer anything more would be taken for a part of it.
  if (error.code === 'ECONNRESET' || !socket.writable || answer?.headersSent) socket.destroy();
  else endWithProblem(socket, problemOfBroken(error));
}

function problemOfBroken({ code, reason, message, rawPacket }: BrokenRequest): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return problems.headersTooLarge({
        detail: `The request line and the headers have at most ${maxHeaderSize} bytes together.`,
      });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return problems.requestTimeout();
    case 'HPE_INVALID_METHOD':
      if (Buffer.isBuffer(rawPacket) && REQUEST_LINE.test(rawPacket.toString('latin1')))
        return problems.methodUnknown();
  }
  return problems.invalidRequest({ detail: `This is no HTTP request: ${reason ?? message}.` });
}
