import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { partsOfSide } from '../../tree/parts.js';
import { PathService, twice, type WordsRow } from '../chat/path.service.js';
import { partsOfPair } from '../client-chat/pair-parts.js';
import { wordsOf } from '../../content/body.js';
import type { AuiMessageDto, ListAuiMessagesQuery } from './aui.dto.js';
import { idsIn, messageIn } from './aui-content.js';
import { messageRef, questionId } from './aui-fields.js';
import { TREE_PAIRS, TREE_PLACE, type TreePair } from './aui.sql.js';

/** The format of a message where nobody says another one. */
const FORMAT = 'aui/v0';

interface Place {
  [column: string]: unknown;
  depth: number;
  chat_id: string;
  seq: number;
}

/** All branches of a conversation as one tree of messages. */
@Injectable()
export class AuiTree {
  constructor(
    private readonly database: Database,
    private readonly paths: PathService,
  ) {}

  /**
   * A page of the messages of a conversation, parents before their children, for `exactJson`.
   * @throws message_not_found for an `after` of elsewhere; content_unavailable
   */
  async page(
    accountId: string,
    rootChatId: string,
    { limit, after, format = FORMAT }: ListAuiMessagesQuery,
  ): Promise<AuiMessageDto[]> {
    const behind = after === undefined ? null : messageRef(after);
    let place: Place = { depth: 0, chat_id: rootChatId, seq: 0 };
    if (behind) {
      place = await this.placeOf(accountId, rootChatId, behind.responseId);
      // Its answer comes behind a question.
      if (behind.isQuestion) place.seq--;
    }
    const found: AuiMessageDto[] = [];
    for (;;) {
      const values = [accountId, rootChatId, place.depth, place.chat_id, place.seq, limit];
      const pairs = await this.database.query<TreePair>(TREE_PAIRS, values);
      const messages = await this.messagesOf(accountId, rootChatId, pairs, format);
      found.push(...messages.filter(({ id }) => !(behind?.isQuestion && id === after)));
      const last = pairs.at(-1);
      if (!last || pairs.length < limit || found.length >= limit) return found.slice(0, limit);
      place = { depth: last.depth, chat_id: last.chat_id, seq: last.seq };
    }
  }

  private async placeOf(accountId: string, rootChatId: string, id: string): Promise<Place> {
    const [place] = await this.database.query<Place>(TREE_PLACE, [accountId, rootChatId, id]);
    if (!place) throw problems.messageNotFound();
    return place;
  }

  private async messagesOf(
    accountId: string,
    rootChatId: string,
    pairs: readonly TreePair[],
    format: string,
  ): Promise<AuiMessageDto[]> {
    if (pairs.length === 0) return [];
    const rows = pairs.flatMap((pair) => rowsOf(rootChatId, pair));
    const bodies = await twice(() => this.paths.bodiesOf(accountId, rootChatId, rows));
    const bodyBy = new Map(rows.map((row, at) => [row.response_id, bodies[at]!]));
    return pairs.flatMap((pair) => sidesOf(pair, bodyBy, format));
  }
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
  bodyBy: ReadonlyMap<string, string>,
  format: string,
): AuiMessageDto[] {
  const { response_id: id, parent, seq } = pair;
  const { asked, answered } = partsOfPair({ body: bodyBy.get(id)! });
  const question = [...asked.instructions, ...asked.results, ...asked.said];
  const before = parent && lastOf(parent.response_id, bodyBy.get(parent.response_id)!);
  const ids = idsIn(question);
  const at = pair.created_at.toISOString();
  const told = { created_at: at, updated_at: at };
  const messages: AuiMessageDto[] = [];
  if (question.length > 0 && ids.question === undefined)
    messages.push({
      ...{ id: questionId(id), parent_id: before, height: 2 * seq - 2, ...told },
      ...{ ...messageIn('user', question, format), external_id: ids.external_id ?? null },
    });
  if (answered.length > 0)
    messages.push({
      ...{ id, height: 2 * seq - 1, ...told },
      parent_id: ids.question ?? (question.length > 0 ? questionId(id) : before),
      ...messageIn('assistant', answered, format),
      external_id: idsIn(answered).external_id ?? null,
    });
  return messages;
}

/** The message that what follows a pair hangs under. */
function lastOf(responseId: string, body: string): string {
  const { response, response_parts: parts = null } = wordsOf(body);
  const answered = partsOfSide({ text: response, parts });
  return answered.length > 0 ? responseId : questionId(responseId);
}
