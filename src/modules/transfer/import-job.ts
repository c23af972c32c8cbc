import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { failpoint } from '../../common/failpoint.js';
import {
  type BanyanConversation,
  type BanyanFile,
  BanyanLines,
  isBanyanHeader,
} from '../../formats/banyan.js';
import { conversationOf } from '../../formats/ready.js';
import { type Source, SourceFile, Tally, Unreadable } from '../../formats/source.js';
import { isDataFault } from '../../runtime/pg-errors.js';
import type { Database } from '../../database/database.js';
import { tellAccount } from '../../events/account-changes.js';
import type { Files } from '../file/files.service.js';
import type { ConversationWriter } from './conversation-writer.service.js';
import type { Brought } from './conversation-writing.js';
import { ImportFiles } from './import-files.js';
import { emptyReport, type ImportReport, withOne, withRefusal } from './import-report.js';
import type { FilePart } from '../../tree/parts.js';
import { type ClaimedRow, PROGRESS } from './imports.sql.js';
import { type IncomingConversation, incomingOf, keyOf } from './incoming.js';
import { incomingBanyan, LinesDigest } from './incoming-banyan.js';
import type { SourceArchive } from './source-archive.js';
import { FIND_SOURCE } from './write.sql.js';

/** Somebody else is at work on it, or it is to end. */
export class LeaseLost extends Error {}

export interface Tools {
  database: Database;
  writer: ConversationWriter;
  files: Files;
}

const SAVE_MS = 1000;

/**
 * One import on its way. What a conversation brings, that it is dealt with, and the report are
 * written in one transaction: so whoever goes on after a death begins behind the last one.
 */
export class ImportJob {
  private readonly accountId: string;
  private report: ImportReport;
  private items = 0;
  private done: number;
  private bytesRead = 0;
  private source: Source | null = null;
  private savedAtMs = performance.now();
  /** Where the file is an export of our own: its lines so far, and of the conversation at hand. */
  private lines: BanyanLines | null = null;
  private readonly digest = new LinesDigest();
  private files = new Map<string, FilePart>();
  private tally = new Tally();

  constructor(
    private readonly tools: Tools,
    private readonly row: ClaimedRow,
    private readonly leaseId: string,
    private readonly archive: SourceArchive,
  ) {
    this.accountId = row.account_id;
    this.done = row.items_done;
    this.report = { ...emptyReport(), ...(JSON.parse(row.report) as Partial<ImportReport>) };
  }

  /** @throws Unreadable when the file is none of ours, LeaseLost when nothing more may be done */
  async run(): Promise<void> {
    const items = this.archive.items((bytes) => (this.bytesRead += bytes));
    for await (const item of items) {
      if (++this.items === 1 && isBanyanHeader(item)) this.lines = new BanyanLines();
      else if (this.items > this.done) await this.takeAny(item);
      if (performance.now() - this.savedAtMs > SAVE_MS) await this.save();
    }
    this.lines?.finish();
    await this.save();
    const { read, refused } = this.report.conversations;
    if (this.items === 0 || (read === refused && read > 0))
      throw new Unreadable(
        'no_conversations',
        'Nothing in the file is a conversation of ChatGPT, Claude, LibreChat, Open WebUI or Banyan.',
      );
  }

  /** Tells how far it is. @throws LeaseLost */
  async save(): Promise<void> {
    this.savedAtMs = performance.now();
    const { accountId, row } = this;
    await this.tools.database.transaction(async (tx) => {
      await this.fence(tx, this.report, this.done);
      await tellAccount(tx, accountId, 'import.progress', [row.import_id]);
    });
  }

  private async takeAny(item: unknown): Promise<void> {
    if (this.lines === null) return this.take(item);
    this.source = 'banyan';
    this.digest.add(item);
    const conversation = this.lines.take(item);
    const file = this.lines.takeFile();
    if (file) await this.takeFile(file);
    if (conversation) await this.takeOurs(conversation);
  }

  private async takeFile({ file_id: id, name, data }: BanyanFile): Promise<void> {
    const kept = new ImportFiles(this.accountId, this.tools.files, this.archive, this.tally);
    const instead = { type: 'other', format: 'banyan.file', value: id } as const;
    const at = { data: Buffer.concat(data) };
    const [part] = (await kept.in([new SourceFile(at, name ?? undefined, instead)]))!;
    if (part?.type === 'file') this.files.set(id, part);
  }

  private async takeOurs(conversation: BanyanConversation): Promise<void> {
    const { files, tally } = this;
    [this.files, this.tally] = [new Map(), new Tally()];
    const incoming = incomingBanyan(conversation, this.digest.take(), files);
    if (await this.isHere('banyan', incoming.sourceKey, incoming.digest)) {
      // They came before it could be known that they are here.
      for (const { file_id: id } of files.values())
        await this.tools.files.remove(this.accountId, id!);
      return this.tell(withOne(this.report, 'unchanged'));
    }
    await this.bring(incoming, tally, files.size);
  }

  private async take(item: unknown): Promise<void> {
    const tally = new Tally();
    const ready = conversationOf(item, tally);
    if (ready === null)
      return this.refuse('not_a_conversation', 'It has no messages.', nameIn(item));
    this.source ??= ready.source;
    if (await this.isHere(ready.source, keyOf(ready.id), ready.digest))
      return this.tell(withOne(this.report, 'unchanged'));
    const files = new ImportFiles(this.accountId, this.tools.files, this.archive, tally);
    const incoming = await incomingOf(ready, (parts) => files.in(parts), tally);
    try {
      await this.bring(incoming, tally, files.count);
    } catch (error) {
      if (!isDataFault(error)) throw error;
      this.refuse('could_not_be_kept', (error as Error).message, ready.name ?? ready.id);
    }
  }

  private async isHere(source: Source, sourceKey: Buffer, digest: Buffer): Promise<boolean> {
    const [found] = await this.tools.database.query<{ digest: Buffer; deleted: boolean }>(
      FIND_SOURCE,
      [this.accountId, source, sourceKey],
    );
    return found !== undefined && !found.deleted && found.digest.equals(digest);
  }

  private async bring(incoming: IncomingConversation, tally: Tally, files: number): Promise<void> {
    const { database, writer } = this.tools;
    const { brought, report } = await database.transaction(async (tx) => {
      const made = await writer.write(tx, this.accountId, incoming);
      const next = this.reportWith(made, incoming, tally, files);
      await this.fence(tx, next, this.items);
      failpoint('import.before_commit');
      return { brought: made, report: next };
    });
    failpoint('import.after_commit');
    this.tell(report);
    await writer.deliver(brought.writes);
  }

  private reportWith(
    made: Brought,
    incoming: IncomingConversation,
    tally: Tally,
    files: number,
  ): ImportReport {
    const { kind, chats, pairs } = made;
    const messages = kind === 'added' ? { messages: incoming.messageCount } : {};
    return withOne(this.report, kind, { chats, pairs, files, ...messages }, tally);
  }

  /** In the transaction that brings a conversation in: nobody else may do so. @throws LeaseLost */
  private async fence(tx: EntityManager, report: ImportReport, done: number): Promise<void> {
    const [rows] = await tx.query<[unknown[], number]>(PROGRESS, this.progress(report, done));
    if (rows.length === 0) throw new LeaseLost();
  }

  private progress(report: ImportReport, done: number): unknown[] {
    const { accountId, leaseId, source, bytesRead } = this;
    const place = [accountId, this.row.import_id, leaseId];
    return [...place, source, bytesRead, done, JSON.stringify(report)];
  }

  private tell(report: ImportReport): void {
    this.report = report;
    this.done = this.items;
  }

  private refuse(code: string, message: string, conversation: string): void {
    this.tell(
      withRefusal(this.report, { conversation: conversation.slice(0, 200), code, message }),
    );
  }
}

/** How a person finds what was refused. */
function nameIn(item: unknown): string {
  const { title, name, id, uuid } = (item ?? {}) as Record<string, unknown>;
  const said = [title, name, id, uuid].find((one) => typeof one === 'string' && one !== '');
  return typeof said === 'string'
    ? said
    : `#${createHash('sha256')
        .update(JSON.stringify(item) ?? '')
        .digest('hex')
        .slice(0, 8)}`;
}
