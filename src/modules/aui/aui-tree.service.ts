import { Injectable } from '@nestjs/common';
import { LAST_UUID } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import type { QuestionPart, ResponsePart } from '../../tree/parts.js';
import { ChatService } from '../chat/chat.service.js';
import { PathService, twice, type WordsRow } from '../chat/path.service.js';
import { partsOfPair } from '../client-chat/pair-parts.js';
import type { AuiMessageDto, ListAuiMessagesQuery } from './aui.dto.js';
import { idsIn, messageIn } from './aui-content.js';
import { type MessageRef, messageRef, questionId } from './aui-fields.js';
import {
  INT_MAX,
  IS_FOLLOWED,
  LIVING_PAIRS,
  TREE_PAIRS,
  TREE_PLACE,
  type TreePair,
} from './aui.sql.js';

/** The format of a message where nobody says another one. */
const FORMAT = 'aui/v0';

/** Where to go on: before the pair at `seq` of a chat, and in those behind that. */
interface Place {
  [column: string]: unknown;
  depth: number;
  chat_id: string;
  seq: number;
}

/** Behind the last chat of any conversation. */
const START: Place = { depth: INT_MAX, chat_id: LAST_UUID, seq: INT_MAX };
/** What stands where words were: what follows hangs under it. */
const ERASED: ResponsePart = { type: 'text', text: 'This message was erased.' };

/** A conversation, and how its messages are told. */
interface TreeReading {
  accountId: string;
  rootChatId: string;
  format: string;
}

/** All branches of a conversation as one tree of messages. */
@Injectable()
export class AuiTree {
  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
    private readonly chats: ChatService,
  ) {}

  /**
   * A page of the messages of a conversation, for `exactJson`: children before their parents, as
   * the client reads it from its end and opens what stands first. That is the last message of the
   * active branch, where nothing follows it.
   * @throws message_not_found for an `after` of elsewhere; content_unavailable
   */
  async page(
    accountId: string,
    rootChatId: string,
    { limit, after, format = FORMAT }: ListAuiMessagesQuery,
  ): Promise<AuiMessageDto[]> {
    const told = { accountId, rootChatId, format };
    const open = await this.openMessage(told);
    const isFirst = after === undefined || after === open?.id;
    const found = after === undefined && open ? [open] : [];
    const from = isFirst ? START : await this.placeOf(told, messageRef(after));
    for await (const message of this.from(told, from, limit)) {
      if (found.length === limit) break;
      if (message.id !== open?.id && message.id !== after) found.push(message);
    }
    return found;
  }

  /** Those at and behind a place, read so many pairs at a time. */
  private async *from(
    told: TreeReading,
    place: Place,
    pairsAtOnce: number,
  ): AsyncGenerator<AuiMessageDto> {
    for (;;) {
      const pairs = await this.pairsFrom(told, place, pairsAtOnce);
      yield* await this.messagesOf(told, pairs);
      const last = pairs.at(-1);
      if (!last || pairs.length < pairsAtOnce) return;
      place = { depth: last.depth, chat_id: last.chat_id, seq: last.seq };
    }
  }

  private pairsFrom({ accountId, rootChatId }: TreeReading, place: Place, limit: number) {
    const values = [accountId, rootChatId, place.depth, place.chat_id, place.seq, limit];
    return this.database.query<TreePair>(TREE_PAIRS, values);
  }

  /** The message that a person sees last; null where nobody has said anything, or others follow. */
  private async openMessage(told: TreeReading): Promise<AuiMessageDto | null> {
    const { accountId, rootChatId } = told;
    const activeId = await this.chats.activeOf(accountId, rootChatId);
    const [last] = (await this.paths.page(accountId, activeId, 1)).pairs;
    if (!last) return null;
    const values = [accountId, last.chatId, last.seq];
    const [row] = await this.database.query<{ is_followed: boolean }>(IS_FOLLOWED, values);
    if (row!.is_followed) return null;
    // The place before what comes next is its own.
    const place = await this.placeOf(told, { responseId: last.responseId, isQuestion: false });
    const pairs = await this.pairsFrom(told, place, 1);
    return (await this.messagesOf(told, pairs))[0] ?? null;
  }

  /** Of an answer before what follows its pair, as its question comes behind it. */
  private async placeOf(
    { accountId, rootChatId }: TreeReading,
    { responseId, isQuestion }: MessageRef,
  ): Promise<Place> {
    const [place] = await this.database.query<Place>(TREE_PLACE, [
      ...[accountId, rootChatId, responseId],
    ]);
    if (!place) throw problems.messageNotFound();
    return isQuestion ? place : { ...place, seq: place.seq + 1 };
  }

  private async messagesOf(
    { accountId, rootChatId, format }: TreeReading,
    pairs: readonly TreePair[],
  ): Promise<AuiMessageDto[]> {
    if (pairs.length === 0) return [];
    const rows = pairs.flatMap((pair) => rowsOf(rootChatId, pair));
    const said = await this.saidIn(accountId, rootChatId, rows);
    return pairs.flatMap((pair) => sidesOf(pair, said, format).reverse());
  }

  /** By the ids of the pairs. A question of a deleted branch is asked anew by the others. */
  private async saidIn(
    accountId: string,
    rootChatId: string,
    rows: readonly WordsRow[],
  ): Promise<Map<string, SaidPair>> {
    const bodies = await twice(() => this.paths.bodiesOf(accountId, rootChatId, rows));
    const all = rows.map((row, at) => ({ id: row.response_id, ...sidesIn(bodies[at]!) }));
    const firsts = all.flatMap(({ shared }) => (shared ? [messageRef(shared).responseId] : []));
    const values = [accountId, rootChatId, firsts];
    const living =
      firsts.length === 0
        ? []
        : await this.database.query<{ response_id: string }>(LIVING_PAIRS, values);
    const listed = new Set(living.map((row) => questionId(row.response_id)));
    return new Map(
      all.map(({ id, shared, ...sides }) => [
        id,
        { ...sides, asks: shared && listed.has(shared) ? shared : questionId(id) },
      ]),
    );
  }
}

/** What a pair says, and the message that its question is: another pair may have that too. */
interface SaidPair {
  question: readonly QuestionPart[];
  answered: readonly ResponsePart[];
  asks: string;
}

/** The sides of a pair; `shared` is the message whose question it has. */
function sidesIn(body: string): Omit<SaidPair, 'asks'> & { shared: string | undefined } {
  const { asked, answered } = partsOfPair({ body });
  const question = [...asked.instructions, ...asked.results, ...asked.said];
  return { question, answered, shared: idsIn(question).question };
}

function rowsOf(rootChatId: string, { parent, ...pair }: TreePair): WordsRow[] {
  const row = { ...pair, root_chat_id: rootChatId, body: null };
  if (!parent) return [row];
  return [
    row,
    { ...parent, root_chat_id: rootChatId, sha256: Buffer.from(parent.sha256, 'hex'), body: null },
  ];
}

/** The messages of a pair: its question, unless another pair has the same, and its answer. */
function sidesOf(
  pair: TreePair,
  said: ReadonlyMap<string, SaidPair>,
  format: string,
): AuiMessageDto[] {
  const { response_id: id, parent, seq } = pair;
  const { question, answered, asks } = said.get(id)!;
  const before = parent && lastOf(parent.response_id, said.get(parent.response_id)!);
  const at = pair.created_at.toISOString();
  const told = { created_at: at, updated_at: at };
  const first = { id: questionId(id), parent_id: before, height: 2 * seq - 2, ...told };
  if (pair.status === 'redacted')
    return [{ ...first, ...messageIn('assistant', [ERASED], format), external_id: null }];
  const messages: AuiMessageDto[] = [];
  if (question.length > 0 && asks === questionId(id))
    messages.push({
      ...first,
      ...messageIn('user', question, format),
      external_id: idsIn(question).external_id ?? null,
    });
  if (answered.length > 0)
    messages.push({
      ...{ id, height: 2 * seq - 1, ...told },
      parent_id: question.length > 0 ? asks : before,
      ...messageIn('assistant', answered, format),
      external_id: idsIn(answered).external_id ?? null,
    });
  return messages;
}

/** The message that what follows a pair hangs under. */
const lastOf = (responseId: string, { answered, asks }: SaidPair): string =>
  answered.length > 0 ? responseId : asks;
