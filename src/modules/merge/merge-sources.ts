import { Injectable } from '@nestjs/common';
import { invalidField, problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { type Line, sharedLength } from '../../tree/lineage.js';
import { ChatService } from '../chat/chat.service.js';
import type { ChatView } from '../chat/chat.view.js';
import { lineageOf } from '../chat/lineage.query.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { type MergeDto, MERGED_MAX } from './merge.dto.js';
import { MERGED, type MergedRow } from './merge.sql.js';

/** What is to be merged: pairs of `from` that `into` does not see, in the order of their path. */
export interface Sources {
  into: ChatView;
  from: ChatView;
  /** Of `into`, root first. */
  lineage: readonly Line[];
  pairs: readonly Pair[];
}

/** Finds what a merge would bring. */
@Injectable()
export class MergeSources {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
    private readonly paths: PathService,
  ) {}

  /**
   * @throws chat_not_found for either; 422 for itself, a chat of another conversation, a pair that
   * is not there to be merged, or too many; nothing_to_merge; generation_in_progress;
   * content_unavailable
   */
  async find(
    accountId: string,
    chatId: string,
    { from_chat_id: fromId, response_ids: ids }: MergeDto,
  ): Promise<Sources> {
    const into = await this.chats.get(accountId, chatId);
    if (fromId === chatId) throw invalidField('from_chat_id', 'must be another chat than this one');
    const from = await this.chats.get(accountId, fromId);
    if (from.root_chat_id !== into.root_chat_id)
      throw invalidField('from_chat_id', 'must be a chat of the same conversation');
    const [lineage, other] = await Promise.all([
      lineageOf(this.database, accountId, chatId),
      lineageOf(this.database, accountId, fromId),
    ]);
    const shared = sharedLength(lineage, other);
    const found = ids
      ? await this.named(accountId, fromId, shared, ids)
      : await this.tail(accountId, fromId, shared);
    // What was erased is nothing that could be carried.
    const pairs = found.filter(({ status }) => status !== 'redacted');
    if (pairs.length === 0) throw problems.nothingToMerge();
    if (pairs.some(({ status }) => status === 'streaming' || status === 'pending'))
      throw problems.generationInProgress({
        detail: 'An answer is still being written in the chat that is to be merged.',
      });
    return { into, from, lineage, pairs };
  }

  /** What of it stands on this path already. */
  async broughtBefore(
    accountId: string,
    { into, lineage, pairs }: Sources,
    { mode }: MergeDto,
  ): Promise<MergedRow[]> {
    const ids = pairs.map(({ responseId }) => responseId);
    const place = [accountId, into.root_chat_id];
    const rows = await this.database.query<MergedRow>(MERGED, [...place, mode, ids]);
    const known = new Set(ids);
    return rows.filter(
      (row) =>
        isOn(lineage, row) &&
        (mode === 'pairs' || row.sources.length === ids.length) &&
        row.sources.every((id) => known.has(id)),
    );
  }

  /** Those pairs as they are now. @throws chat_not_found, content_unavailable */
  async read(accountId: string, chatId: string, rows: readonly MergedRow[]): Promise<Pair[]> {
    return Promise.all(rows.map((row) => this.paths.pair(accountId, chatId, row.response_id)));
  }

  /** @throws chat_not_found, generation_in_progress while the chat takes no pairs */
  async assertFree(accountId: string, chatId: string): Promise<void> {
    if ((await this.chats.get(accountId, chatId)).generation_id !== null)
      throw problems.generationInProgress();
  }

  private async tail(accountId: string, fromId: string, shared: number): Promise<Pair[]> {
    const page = await this.paths.page(accountId, fromId, MERGED_MAX, { after: shared });
    if (page.lastSeq - shared > MERGED_MAX)
      throw invalidField(
        'response_ids',
        `must name which pairs: there are ${page.lastSeq - shared}, and ${MERGED_MAX} go at once`,
      );
    return page.pairs;
  }

  private async named(
    accountId: string,
    fromId: string,
    shared: number,
    ids: readonly string[],
  ): Promise<Pair[]> {
    const pairs = await Promise.all(
      ids.map((id) => this.paths.pair(accountId, fromId, id.toLowerCase())),
    );
    const seen = pairs.findIndex(({ seq }) => seq <= shared);
    if (seen >= 0)
      throw invalidField(`response_ids[${seen}]`, 'is a pair that this chat sees already');
    return pairs.toSorted((left, right) => left.seq - right.seq);
  }
}

/** Whether a pair at `seq` of a chat is on the path that this lineage (root first) has. */
function isOn(lineage: readonly Line[], { chat_id: chatId, seq }: MergedRow): boolean {
  const at = lineage.findIndex((line) => line.chatId === chatId);
  return at >= 0 && seq <= (lineage[at + 1]?.forkSeq ?? Infinity);
}
