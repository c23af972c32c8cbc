import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { chatJson, type ChatView } from '../chat/chat.columns.js';
import { toFileDto } from '../file/file.dto.js';
import { Files } from '../file/files.service.js';
import { toImportDto } from '../transfer/import.dto.js';
import { Imports } from '../transfer/imports.service.js';
import { type AccountEventRow, EVENTS_AFTER } from './account-events.sql.js';
import { Envelope } from './envelope.js';
import { CHATS } from './event-page.sql.js';
import type { EventPage } from './event.reader.js';

const PAGE_EVENTS = 100;

/**
 * Reads the events of accounts, each with what it is about as that is now. Of a pair it says where
 * it is and how it stands: who wants its words follows its conversation.
 */
@Injectable()
export class AccountEventReader {
  constructor(
    private readonly database: Database,
    private readonly files: Files,
    private readonly imports: Imports,
  ) {}

  /** The next events after `since`, oldest first, at most 100 of them; none when there are none. */
  async after(accountId: string, since: number): Promise<EventPage> {
    const rows = await this.database.query<AccountEventRow>(EVENTS_AFTER, [
      accountId,
      since,
      PAGE_EVENTS,
    ]);
    const subjects = new Map(
      (
        await Promise.all([
          this.chats(accountId, idsOf(rows, isOfChat)),
          this.filesOf(accountId, idsOf(rows, isOfFile)),
          this.importsOf(accountId, idsOf(rows, isOfImport)),
        ])
      ).flat(),
    );
    const events = rows.map((row) => {
      const isGone = row.type.endsWith('.deleted') || row.response_id !== null;
      const living = isGone ? undefined : subjects.get(row.subject_id);
      return new Envelope(row.type, row.seq, living ?? placeOf(row), false);
    });
    return { events, hasMore: rows.length === PAGE_EVENTS };
  }

  private async chats(accountId: string, ids: readonly string[]): Promise<Subject[]> {
    if (ids.length === 0) return [];
    const views = await this.database.query<ChatView>(CHATS, [accountId, ids]);
    return views.map((view) => [view.chat_id, chatJson(view)]);
  }

  private async filesOf(accountId: string, ids: readonly string[]): Promise<Subject[]> {
    if (ids.length === 0) return [];
    const found = await this.files.findMany(accountId, ids);
    return found.map((file) => [file.file_id, JSON.stringify(toFileDto(file))]);
  }

  private async importsOf(accountId: string, ids: readonly string[]): Promise<Subject[]> {
    if (ids.length === 0) return [];
    const found = await this.imports.findMany(accountId, ids);
    return found.map((row) => [row.import_id, JSON.stringify(toImportDto(row))]);
  }
}

/** The id of something that is there, and its JSON. */
type Subject = [id: string, json: string];

const isOfChat = ({ root_chat_id: root, response_id: pair }: AccountEventRow): boolean =>
  root !== null && pair === null;
const isOfFile = ({ type }: AccountEventRow): boolean => type.startsWith('file.');
const isOfImport = ({ type }: AccountEventRow): boolean => type.startsWith('import.');

const idsOf = (
  rows: readonly AccountEventRow[],
  isOne: (row: AccountEventRow) => boolean,
): string[] => [...new Set(rows.filter(isOne).map((row) => row.subject_id))];

/** All that is said of a pair, and of what is gone. */
function placeOf(row: AccountEventRow): string {
  if (isOfFile(row)) return JSON.stringify({ file_id: row.subject_id });
  if (isOfImport(row)) return JSON.stringify({ import_id: row.subject_id });
  return JSON.stringify({
    ...(row.response_id && { response_id: row.response_id }),
    chat_id: row.subject_id,
    root_chat_id: row.root_chat_id,
    ...(row.status && { status: row.status }),
  });
}
