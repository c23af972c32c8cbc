import { Injectable } from '@nestjs/common';
import { encodeCursor } from '../../common/cursor.js';
import { problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { sharedLength } from '../../tree/lineage.js';
import { lineageOf } from '../chat/lineage.query.js';
import { pairsJson } from '../chat/pair.js';
import { PathService, type PathPage } from '../chat/path.service.js';
import { ChatService } from '../chat/chat.service.js';

const TAIL_PAIRS_MAX = 100;

/** What two chats of one conversation share, and where each goes from there. */
@Injectable()
export class CompareService {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
    private readonly paths: PathService,
  ) {}

  /**
   * The JSON of a `ComparisonDto`. @throws chat_not_found when either chat is unknown or they are
   * of two conversations.
   */
  async compare(accountId: string, leftId: string, rightId: string): Promise<string> {
    const [left, right] = await Promise.all([
      this.chats.get(accountId, leftId),
      this.chats.get(accountId, rightId),
    ]);
    if (left.root_chat_id !== right.root_chat_id)
      throw problems.chatNotFound({ detail: '`with` is not a chat of this conversation.' });
    const [leftLine, rightLine] = await Promise.all([
      lineageOf(this.database, accountId, leftId),
      lineageOf(this.database, accountId, rightId),
    ]);
    const shared = sharedLength(leftLine, rightLine);
    const [common, leftTail, rightTail] = await Promise.all([
      this.commonPair(accountId, leftId, shared),
      this.paths.page(accountId, leftId, TAIL_PAIRS_MAX, { after: shared }),
      this.paths.page(accountId, rightId, TAIL_PAIRS_MAX, { after: shared }),
    ]);
    return `{"common":${common},"left":${tailJson(leftId, leftTail)},"right":${tailJson(rightId, rightTail)}}`;
  }

  private async commonPair(accountId: string, chatId: string, seq: number): Promise<string> {
    if (seq === 0) return 'null';
    const { pairs } = await this.paths.page(accountId, chatId, 1, { before: seq + 1 });
    const { chatId: owner, responseId } = pairs[0]!;
    return JSON.stringify({ chat_id: owner, response_id: responseId, seq });
  }
}

function tailJson(chatId: string, { pairs, lastSeq }: PathPage): string {
  const last = pairs.at(-1);
  const next =
    last && last.seq < lastSeq ? `,"next_cursor":"${encodeCursor(chatId, last.seq)}"` : '';
  return `{"chat_id":"${chatId}","qa_pairs":${pairsJson(pairs)}${next}}`;
}
