import { isPlainBody, wordsOf } from '../../content/body.js';
import { Problem } from '../../common/problems.js';
import type { Pair } from '../chat/pair.js';
import type { Files } from '../file/files.service.js';
import { filesIn } from './incoming-rows.js';

/** Divisible by three: base64 of a piece has no padding but at the end. */
const PIECE_BYTES = 192 * 1024;

/** Lines of the files that the pairs of one conversation name; of each file once. */
export class ExportFiles {
  private readonly written = new Set<string>();

  constructor(
    private readonly accountId: string,
    private readonly files: Files,
  ) {}

  async *linesOf({ body }: Pair): AsyncGenerator<string> {
    if (isPlainBody(body)) return;
    for (const fileId of filesIn(wordsOf(body))) {
      if (this.written.has(fileId)) continue;
      this.written.add(fileId);
      yield* this.lines(fileId);
    }
  }

  private async *lines(fileId: string): AsyncGenerator<string> {
    const found = await this.files.read(this.accountId, fileId).catch((error: unknown) => {
      if (error instanceof Problem && error.kind.status === NOT_FOUND) return null;
      throw error;
    });
    if (!found) return;
    const { name, media_type, bytes, sha256 } = found.file;
    yield `${JSON.stringify({ type: 'file', file_id: fileId, name, media_type, bytes, sha256 })}\n`;
    for await (const piece of pieces(found.bytes as AsyncIterable<Buffer>))
      yield `{"type":"data","file_id":"${fileId}","base64":"${piece.toString('base64')}"}\n`;
  }
}

const NOT_FOUND = 404;

async function* pieces(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting = Buffer.alloc(0);
  for await (const chunk of bytes) {
    waiting = Buffer.concat([waiting, chunk]);
    for (; waiting.length >= PIECE_BYTES; waiting = waiting.subarray(PIECE_BYTES))
      yield waiting.subarray(0, PIECE_BYTES);
  }
  if (waiting.length > 0) yield waiting;
}
