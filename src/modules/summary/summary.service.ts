import { Injectable } from '@nestjs/common';
import { chatState, StatedJson } from '../../cache/validated.js';
import { wordsOf } from '../../content/body.js';
import { ChatService } from '../chat/chat.service.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { ChosenHighlightsService } from './chosen-highlights.service.js';
import type { Quotable } from './highlights.js';
import type { SummaryDto } from './summary.dto.js';
import { WordCountsService } from './word-counts.service.js';

/** What highlights are chosen from, however long the chat is: how it began, and what it came to. */
const FIRST_PAIRS = 20;
const LAST_PAIRS = 80;

/** What a chat is about, at a glance. */
@Injectable()
export class SummaryService {
  constructor(
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly wordCounts: WordCountsService,
    private readonly chosen: ChosenHighlightsService,
  ) {}

  /** A `SummaryDto` of the path as it is now. @throws chat_not_found, content_unavailable */
  async read(accountId: string, chatId: string): Promise<StatedJson> {
    // The state first: what is posted meanwhile is left out, and what is rewritten meanwhile makes
    // the answer newer than it says.
    const chat = await this.chats.get(accountId, chatId);
    const { revision, last_seq: total, fork_seq: inherited } = chat;
    const { words, questions, responses } = await this.wordCounts.count(accountId, chatId, total);
    const pairs = await this.ends(accountId, chatId, total);
    const { highlights, generatedBy } = await this.chosen.of(
      accountId,
      chat,
      pairs.flatMap(quotablesOf),
    );
    const summary: SummaryDto = {
      chat_id: chatId,
      message_count: total,
      counts: {
        pairs: { own: total - inherited, inherited, total },
        questions,
        responses,
        words,
      },
      first_at: pairs[0]?.createdAt.toISOString() ?? null,
      last_at: pairs.at(-1)?.createdAt.toISOString() ?? null,
      highlights,
      generated_by: generatedBy,
    };
    return new StatedJson(JSON.stringify(summary), chatState(revision));
  }

  /** The first and the last pairs of a path, in order, none of them twice. */
  private async ends(accountId: string, chatId: string, total: number): Promise<Pair[]> {
    if (total === 0) return [];
    const before = { before: total + 1 };
    if (total <= FIRST_PAIRS + LAST_PAIRS)
      return (await this.paths.page(accountId, chatId, total, before)).pairs;
    const [first, last] = await Promise.all([
      this.paths.page(accountId, chatId, FIRST_PAIRS, { after: 0 }),
      this.paths.page(accountId, chatId, LAST_PAIRS, before),
    ]);
    return [...first.pairs, ...last.pairs];
  }
}

/** Code is no sentence; what was said about it is. */
function quotablesOf({ responseId, messageType, body }: Pair): Quotable[] {
  const { question, response } = wordsOf(body);
  const texts = messageType === 'code' && response !== null ? [response] : [question, response];
  return texts.flatMap((text) => (text === null ? [] : [{ responseId, text }]));
}
