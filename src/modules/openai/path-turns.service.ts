import { Injectable } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { SEQ_MAX } from '../chat/path.sql.js';
import type { Target } from './response-targets.service.js';
import { ChatService } from '../chat/chat.service.js';
import { partsOf } from './part-items.js';
import type { Turn } from './turns.js';

const PAIRS = 100;
/** No text has fewer tokens than this share of its bytes. */
const BYTES_PER_TOKEN_MAX = 16;

/** What was said on the path of a chat. */
@Injectable()
export class PathTurns {
  constructor(
    private readonly paths: PathService,
    private readonly chats: ChatService,
  ) {}

  /**
   * The turns up to where a question would go, oldest first: all that `tokens` may have room for,
   * and maybe some more. @throws chat_not_found, message_not_found, content_unavailable
   */
  async upTo(accountId: string, target: Target, tokens: number): Promise<Turn[]> {
    const { chatId, toActive, parent } = target;
    const chat = toActive ? await this.chats.activeOf(accountId, chatId) : chatId;
    const last = parent === undefined ? null : await this.paths.pair(accountId, chat, parent);
    const turns: Turn[] = [];
    let room = tokens * BYTES_PER_TOKEN_MAX;
    for (let before = last ? last.seq + 1 : SEQ_MAX; ;) {
      const { pairs } = await this.paths.page(accountId, chat, PAIRS, { before });
      turns.unshift(...pairs.map(turnOf));
      room -= pairs.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
      before = pairs[0]?.seq ?? 1;
      if (before <= 1 || room <= 0) return turns;
    }
  }
}

function turnOf({ body, responseId }: Pair): Turn {
  const { question, response, question_parts, response_parts } = wordsOf(body);
  return {
    question: [...partsOf(question_parts ?? null, question)],
    response: [...partsOf(response_parts ?? null, response)],
    known: responseId,
  };
}
