import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { decodeNumberCursor, encodeCursor } from '../../common/cursor.js';
import { newId } from '../../common/ids.js';
import { makeToken, readToken } from '../../common/opaque-token.js';
import type { PageQuery } from '../../common/page.dto.js';
import { invalidField, Problem, problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { findIn, ChatService } from '../chat/chat.service.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { SEQ_MAX } from '../chat/path.sql.js';
import type { NewShareDto, ShareChatDto, ShareDto } from './share.dto.js';
import { Share } from './share.entity.js';
import {
  FORGET_EXPIRED,
  INSERT,
  LIST,
  OPEN,
  type OpenRow,
  REMOVE,
  type ShareRow,
} from './share.sql.js';

/** Of one chat at the same time. */
const SHARES_MAX = 100;
const PREFIX = '/api/v1/shared';

/** What a link shows: some pairs of the branch, and where the next ones begin. */
export interface SharedPage {
  share: OpenRow;
  pairs: Pair[];
  nextCursor: string | null;
}

/** The last pair that a link shows. */
interface End {
  responseId: string | null;
  lastSeq: number | null;
}

/** Links to branches, for people who have no account. */
@Injectable()
export class ShareService {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
    private readonly paths: PathService,
  ) {}

  /**
   * Where a new link ends; to be asked before it is made. @throws chat_not_found,
   * message_not_found, content_unavailable; 422
   */
  async endOf(accountId: string, chatId: string, wanted: ShareChatDto): Promise<End> {
    const { response_id: responseId, follow, expires_at: expiresAt } = wanted;
    if (expiresAt && Date.parse(expiresAt) <= Date.now())
      throw invalidField('expires_at', 'must be in the future');
    const named = responseId ? await this.paths.pair(accountId, chatId, responseId) : null;
    if (follow) return { responseId: null, lastSeq: null };
    if (named) return { responseId: named.responseId, lastSeq: named.seq };
    const { last_response_id: last, last_seq: lastSeq } = await this.chats.get(accountId, chatId);
    if (last === null)
      throw invalidField(
        'response_id',
        'there is no pair yet: say follow: true to share what comes',
      );
    return { responseId: last, lastSeq };
  }

  /** A new link. @throws chat_not_found, too_many_shares */
  async make(
    tx: EntityManager,
    accountId: string,
    chatId: string,
    { responseId, lastSeq }: End,
    { expires_at: expiresAt = null }: ShareChatDto,
  ): Promise<NewShareDto> {
    // With its row, so that two who make one at once are counted one after the other.
    await findIn(tx, accountId, chatId, 'FOR UPDATE OF c');
    await tx.query(FORGET_EXPIRED, [accountId, chatId]);
    const shares = await tx.countBy(Share, { accountId, chatId });
    if (shares >= SHARES_MAX) throw problems.tooManyShares();
    const token = makeToken('bsh', accountId);
    const values = [accountId, newId(), chatId, readToken('bsh', token)!.hash, responseId, lastSeq];
    const [row] = await tx.query<ShareRow[]>(INSERT, [...values, expiresAt]);
    return { ...shareDto(row!), token, url: `${PREFIX}/${token}` };
  }

  /** The open links of a chat, newest first. @throws chat_not_found */
  async list(accountId: string, chatId: string): Promise<ShareDto[]> {
    await this.chats.get(accountId, chatId);
    return (await this.database.query<ShareRow>(LIST, [accountId, chatId])).map(shareDto);
  }

  /** Ends a link. @throws share_not_found */
  async remove(accountId: string, shareId: string): Promise<void> {
    const removed = await this.database.transaction((tx) =>
      tx.query<unknown[]>(REMOVE, [accountId, shareId]),
    );
    if (removed.length === 0) throw problems.shareNotFound();
  }

  /**
   * What anybody who has the token may read now.
   * @throws share_not_found for a token that is none, or whose link has ended, or whose branch is
   * gone; content_unavailable; 422 for a cursor of another one
   */
  async read(token: string, { limit, cursor }: PageQuery): Promise<SharedPage> {
    const known = readToken('bsh', token);
    const [share] = known
      ? await this.database.query<OpenRow>(OPEN, [known.accountId, known.hash])
      : [];
    if (!share) throw problems.shareNotFound();
    const { share_id: scope, chat_id: chatId } = share;
    const after = cursor === undefined ? 0 : decodeNumberCursor(cursor, scope, 'cursor', SEQ_MAX);
    const page = await this.paths.page(known!.accountId, chatId, limit, { after }).catch(asGone);
    const end = Math.min(page.lastSeq, share.last_seq ?? SEQ_MAX);
    const pairs = page.pairs.filter(({ seq }) => seq <= end);
    const last = pairs.at(-1)?.seq ?? end;
    return { share, pairs, nextCursor: last < end ? encodeCursor(scope, last) : null };
  }
}

/** Deleted in this moment. */
function asGone(error: unknown): never {
  throw error instanceof Problem && error.kind === problems.chatNotFound.kind
    ? problems.shareNotFound()
    : error;
}

const shareDto = (row: ShareRow): ShareDto => ({
  share_id: row.share_id,
  chat_id: row.chat_id,
  response_id: row.response_id,
  follow: row.last_seq === null,
  expires_at: row.expires_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
});
