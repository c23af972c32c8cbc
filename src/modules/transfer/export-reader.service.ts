import { Injectable } from '@nestjs/common';
import { FIRST_UUID } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { EXPORT_CHATS, EXPORT_ROOTS, type ExportChat } from './export.sql.js';

/** A conversation, or one path of it, as it is written. */
export interface ExportedTree {
  /** Each behind its parent. */
  chats: ExportChat[];
  /** The pairs that a chat owns, in order. */
  pairsOf: (chat: ExportChat) => AsyncGenerator<Pair>;
  /** All pairs of its path. */
  pathOf: (chat: ExportChat) => AsyncGenerator<Pair>;
}

/** What is read at once: a pair has some hundred KiB at most. */
const WINDOW = 25;
const ROOTS = 100;

/** Reads conversations for exports, in windows: as much memory for long ones as for short ones. */
@Injectable()
export class ExportReader {
  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
  ) {}

  /** The roots of an account, oldest first. */
  async *roots(accountId: string): AsyncGenerator<string> {
    for (let after = FIRST_UUID; ;) {
      const rows: { chat_id: string }[] = await this.database.query(EXPORT_ROOTS, [
        ...[accountId, after, ROOTS],
      ]);
      for (const { chat_id: id } of rows) yield id;
      if (rows.length < ROOTS) return;
      after = rows.at(-1)!.chat_id;
    }
  }

  /** The conversation of a chat. @throws chat_not_found */
  async conversation(accountId: string, chatId: string): Promise<ExportedTree> {
    const all = await this.database.query<ExportChat>(EXPORT_CHATS, [accountId, chatId]);
    if (all.length === 0) throw problems.chatNotFound();
    const { chats, readers } = shown(all);
    return {
      chats,
      pairsOf: (chat) =>
        this.window(accountId, readers.get(chat.chat_id)!, chat.fork_seq, chat.last_seq),
      pathOf: (chat) => this.window(accountId, chat.chat_id, 0, chat.last_seq),
    };
  }

  /** The path of a chat, as a conversation of one chat. @throws chat_not_found */
  async path(accountId: string, chatId: string): Promise<ExportedTree> {
    const all = await this.database.query<ExportChat>(EXPORT_CHATS, [accountId, chatId]);
    const chat = all.find((one) => one.chat_id === chatId);
    if (!chat) throw problems.chatNotFound();
    const pathOf = () => this.window(accountId, chatId, 0, chat.last_seq);
    const alone: ExportChat = {
      ...chat,
      ...{ parent_chat_id: null, fork_seq: 0, fork_response_id: null, depth: 0, active: true },
    };
    const pairsOf = async function* (): AsyncGenerator<Pair> {
      for await (const pair of pathOf()) yield { ...pair, chatId };
    };
    return { chats: [alone], pairsOf, pathOf: pairsOf };
  }

  /** Pairs of the path of a chat that are behind one `seq` and not behind another. */
  private async *window(
    accountId: string,
    chatId: string,
    after: number,
    last: number,
  ): AsyncGenerator<Pair> {
    for (let at = after; at < last;) {
      const limit = Math.min(WINDOW, last - at);
      const { pairs } = await this.paths.page(accountId, chatId, limit, { after: at });
      if (pairs.length === 0) return;
      yield* pairs;
      at = pairs.at(-1)!.seq;
    }
  }
}

/**
 * Living chats, and those deleted ones whose pairs living ones read: as far as they do. Answers
 * besides by which living chat the pairs of each are read.
 */
function shown(all: readonly ExportChat[]): {
  chats: ExportChat[];
  readers: Map<string, string>;
} {
  const byId = new Map(all.map((chat) => [chat.chat_id, chat]));
  const readers = new Map<string, string>();
  const needed = new Map<string, number>();
  for (const chat of [...all].reverse()) {
    if (!chat.deleted) readers.set(chat.chat_id, chat.chat_id);
    const reader = readers.get(chat.chat_id);
    const parent = chat.parent_chat_id === null ? undefined : byId.get(chat.parent_chat_id);
    if (reader === undefined || !parent?.deleted) continue;
    if (chat.fork_seq <= (needed.get(parent.chat_id) ?? -1)) continue;
    needed.set(parent.chat_id, chat.fork_seq);
    readers.set(parent.chat_id, reader);
  }
  const chats = all
    .filter(({ chat_id: id }) => readers.has(id))
    .map((chat) =>
      chat.deleted ? { ...chat, active: false, last_seq: needed.get(chat.chat_id)! } : chat,
    );
  return { chats, readers };
}
