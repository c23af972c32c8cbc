import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Files } from '../file/files.service.js';
import { banyanHeader, banyanLines } from './export-banyan.js';
import { chatGptPieces } from './export-chatgpt.js';
import { ExportFiles } from './export-files.js';
import { type ExportedTree, ExportReader } from './export-reader.service.js';
import { markdownPieces, openAiLines } from './export-text.js';

export const EXPORT_FORMATS = ['banyan', 'chatgpt', 'openai', 'markdown'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export const EXPORT_SCOPES = ['chat', 'conversation'] as const;
export type ExportScope = (typeof EXPORT_SCOPES)[number];

/** A file on its way out. */
export interface ExportFile {
  mediaType: string;
  fileName: string;
  bytes: Readable;
}

const FILES: Record<ExportFormat, { mediaType: string; ending: string }> = {
  banyan: { mediaType: 'application/x-ndjson', ending: 'banyan.jsonl' },
  chatgpt: { mediaType: 'application/json', ending: 'json' },
  openai: { mediaType: 'application/x-ndjson', ending: 'openai.jsonl' },
  markdown: { mediaType: 'text/markdown', ending: 'md' },
};

/** Pieces are sent in lots of that size: a piece may be a line of some bytes. */
const LOT_CHARS = 64 * 1024;

/** Writes conversations as files, as they are read. */
@Injectable()
export class Exports {
  constructor(
    private readonly reader: ExportReader,
    private readonly files: Files,
  ) {}

  /** One chat or its conversation. @throws chat_not_found */
  async ofChat(
    accountId: string,
    chatId: string,
    format: ExportFormat,
    scope: ExportScope = format === 'markdown' ? 'chat' : 'conversation',
  ): Promise<ExportFile> {
    const tree =
      scope === 'chat'
        ? await this.reader.path(accountId, chatId)
        : await this.reader.conversation(accountId, chatId);
    async function* one(): AsyncGenerator<ExportedTree> {
      yield await Promise.resolve(tree);
    }
    return exported(`chat-${chatId}`, format, this.pieces(accountId, format, one()));
  }

  /** All conversations of the account but temporary ones, oldest first. */
  ofAccount(accountId: string, format: ExportFormat): ExportFile {
    const { reader } = this;
    async function* all(): AsyncGenerator<ExportedTree> {
      for await (const root of reader.roots(accountId)) {
        // One that was deleted meanwhile is left out.
        const tree = await reader.conversation(accountId, root).catch(() => null);
        if (tree) yield tree;
      }
    }
    return exported('export', format, this.pieces(accountId, format, all()));
  }

  private async *pieces(
    accountId: string,
    format: ExportFormat,
    trees: AsyncIterable<ExportedTree>,
  ): AsyncGenerator<string> {
    if (format === 'banyan') yield banyanHeader();
    if (format === 'chatgpt') yield '[';
    let isFirst = true;
    for await (const tree of trees) {
      if (!isFirst && format !== 'banyan' && format !== 'openai')
        yield format === 'chatgpt' ? ',\n' : '\n';
      isFirst = false;
      yield* this.piecesOf(accountId, format, tree);
    }
    if (format === 'chatgpt') yield ']\n';
  }

  private piecesOf(
    accountId: string,
    format: ExportFormat,
    tree: ExportedTree,
  ): AsyncGenerator<string> {
    switch (format) {
      case 'banyan': {
        const files = new ExportFiles(accountId, this.files);
        return banyanLines(tree, (pair) => files.linesOf(pair));
      }
      case 'chatgpt':
        return chatGptPieces(tree);
      case 'openai':
        return openAiLines(tree);
      case 'markdown':
        return markdownPieces(tree);
    }
  }
}

const exported = (
  name: string,
  format: ExportFormat,
  pieces: AsyncIterable<string>,
): ExportFile => ({
  mediaType: FILES[format].mediaType,
  fileName: `banyan-${name}.${FILES[format].ending}`,
  bytes: Readable.from(lots(pieces), { objectMode: false, highWaterMark: 1 }),
});

async function* lots(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let lot = '';
  for await (const piece of pieces) {
    lot += piece;
    if (lot.length < LOT_CHARS) continue;
    yield Buffer.from(lot);
    lot = '';
  }
  if (lot !== '') yield Buffer.from(lot);
}
