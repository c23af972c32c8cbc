import { Injectable } from '@nestjs/common';
import { Problem, problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { chatJson, type ChatView } from '../chat/chat.columns.js';
import { pairJson } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { CHATS, CONVERSATION, EVENTS_AFTER, type EventRow } from './event-page.sql.js';
import { Envelope } from './envelope.js';

/** Some events that follow each other. */
export interface EventPage {
  events: Envelope[];
  /** Whether more of them were there. */
  hasMore: boolean;
}

/** A conversation of an account. */
export interface ConversationHead {
  accountId: string;
  rootChatId: string;
  /** `seq` of its newest event when it was looked for. */
  eventSeq: number;
}

const EVENTS_MAX = 100;
/** Words are up to 384 KiB a pair: a page ends with the event that reaches this. */
const PAGE_BYTES = 256 * 1024;

/** Reads the events of conversations, each with what it is about as that is now. */
@Injectable()
export class EventReader {
  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
  ) {}

  /**
   * The conversation of a chat; null when there is no such chat, it is deleted, or of another
   * account.
   */
  async find(accountId: string, chatId: string): Promise<ConversationHead | null> {
    const [row] = await this.database.query<{ root_chat_id: string; event_seq: number }>(
      CONVERSATION,
      [accountId, chatId],
    );
    return row ? { accountId, rootChatId: row.root_chat_id, eventSeq: row.event_seq } : null;
  }

  /**
   * The next events after `since`, oldest first, at most 100 of them; none when there are none.
   * @throws content_unavailable when the words of a pair cannot be read now: an event is never told
   * without them
   */
  async after(
    { accountId, rootChatId }: Omit<ConversationHead, 'eventSeq'>,
    since: number,
  ): Promise<EventPage> {
    const rows = await this.database.query<EventRow>(EVENTS_AFTER, [
      accountId,
      rootChatId,
      since,
      EVENTS_MAX,
      PAGE_BYTES,
    ]);
    const [chats, pairs] = await Promise.all([
      this.chatsOf(accountId, rootChatId, rows),
      this.pairsOf(accountId, rootChatId, rows),
    ]);
    const events = rows.map((row) => {
      const gone = {
        ...(row.response_id && { response_id: row.response_id }),
        chat_id: row.chat_id,
        root_chat_id: rootChatId,
      };
      const living = row.response_id ? pairs.get(row.response_id) : chats.get(row.chat_id);
      const data = row.type.endsWith('.deleted') ? undefined : living;
      // A replay may come by a deletion that was undone since: then more follows.
      const isLast = row.type === 'chat.deleted' && !chats.has(rootChatId);
      return new Envelope(row.type, row.seq, data ?? JSON.stringify(gone), isLast, row.response_id);
    });
    const last = rows.at(-1);
    return {
      events,
      hasMore: rows.length === EVENTS_MAX || (last !== undefined && last.seq < last.page_end),
    };
  }

  /**
   * JSON of the living chats that the events are about, by `chat_id`; and of the root, where it may
   * be gone.
   */
  private async chatsOf(
    accountId: string,
    rootChatId: string,
    rows: readonly EventRow[],
  ): Promise<Map<string, string>> {
    const ids = new Set(rows.filter((row) => row.response_id === null).map((row) => row.chat_id));
    if (ids.size === 0) return new Map();
    const views = await this.database.query<ChatView>(CHATS, [accountId, [...ids.add(rootChatId)]]);
    return new Map(views.map((view) => [view.chat_id, chatJson(view)]));
  }

  /**
   * JSON of the pairs that somebody still sees, by `response_id`, each with its conversation:
   * whoever follows many must know for which a `seq` counts.
   */
  private async pairsOf(
    accountId: string,
    rootChatId: string,
    rows: readonly EventRow[],
  ): Promise<Map<string, string>> {
    const json = new Map<string, string>();
    for (const { chatId, first, count } of stretchesOf(rows)) {
      const page = await this.paths
        .page(accountId, chatId, count, { after: first - 1 })
        .catch(nothingIfDeleted);
      for (const pair of page?.pairs ?? [])
        json.set(pair.responseId, `${pairJson(pair).slice(0, -1)},"root_chat_id":"${rootChatId}"}`);
    }
    return json;
  }
}

interface Stretch {
  chatId: string;
  /** `seq` of the first pair. */
  first: number;
  count: number;
}

/** Pairs behind each other on one path are read together. */
function stretchesOf(rows: readonly EventRow[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const { seen_by: chatId, pair_seq: seq } of rows) {
    if (chatId === null || seq === null) continue;
    const open = stretches.find(
      (one) => one.chatId === chatId && seq >= one.first && seq <= one.first + one.count,
    );
    if (!open) stretches.push({ chatId, first: seq, count: 1 });
    else open.count = Math.max(open.count, seq - open.first + 1);
  }
  return stretches;
}

/** The chat was deleted since its events were read. */
function nothingIfDeleted(error: unknown): null {
  if (error instanceof Problem && error.kind === problems.chatNotFound.kind) return null;
  throw error;
}
