import { Injectable, Logger } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { wordsOf } from '../../content/body.js';
import { ContentStore } from '../../content/content-store.js';
import { REDACTED_BODY } from '../../content/places.js';
import { Database, type Statement } from '../../database/database.js';
import { type CountedExchange, fitToWindow, roomOf } from '../../llm/context-window.js';
import {
  LanguageModel,
  type ModelInfo,
  type ModelPart,
  type ModelRequest,
} from '../../llm/language-model.js';
import { requestOf } from '../../llm/settings.js';
import { TokenCounter } from '../../llm/token-counter.js';
import { PathService, twice } from '../chat/path.service.js';
import { type ContextRow, contextStatement, KEEP_TOKENS } from './context.sql.js';
import type { BegunAnswer } from './running-answer.js';

/** What a model is asked, and who is asked. */
export interface Asking {
  info: ModelInfo;
  request: ModelRequest;
  /** Asks. @throws like `LanguageModel.stream` */
  ask: (signal: AbortSignal) => AsyncIterable<ModelPart>;
}

/** An earlier pair, and where its count is kept. */
export interface EarlierPair
  extends CountedExchange, Pick<ContextRow, 'chat_id' | 'seq' | 'version'> {}

/**
 * The context of an answer: exactly the pairs before it on the path of its branch, and the chat's
 * system prompt (or what was said in its place).
 */
@Injectable()
export class Contexts {
  private readonly logger = new Logger('Answers');
  private readonly statement: Statement;

  constructor(
    private readonly model: LanguageModel,
    private readonly tokens: TokenCounter,
    private readonly database: Database,
    private readonly paths: PathService,
    content: ContentStore,
  ) {
    this.statement = contextStatement(content.table);
  }

  /**
   * @throws message_not_found, content_unavailable; ModelError model_unknown, question_too_long;
   * what a database that is away throws
   */
  async of(answer: BegunAnswer): Promise<Asking> {
    const { accountId, chat, settings = {} } = answer;
    const model = answer.model ?? chat.model;
    const info = this.model.find(model);
    const earlier = answer.seq === 1 ? [] : await this.before(answer, roomOf(info));
    const { question } = wordsOf(answer.question.body);
    const { instructions = chat.systemPrompt, ...how } = settings;
    const { messages, counted } = await fitToWindow(
      instructions,
      earlier,
      question,
      info,
      this.tokens.count,
    );
    void this.remember(accountId, counted);
    const request = { ...requestOf(how), model, messages };
    return { info, request, ask: (signal) => this.model.stream(request, signal) };
  }
  /**
   * The pairs before a question, oldest first, by one statement to PostgreSQL and at most one query
   * to MongoDB, whatever the length of the chat: all that the window has room for, and maybe some
   * more.
   * @param room tokens that question and earlier pairs may have together @throws message_not_found,
   * content_unavailable
   */
  private async before(
    { accountId, chatId, seq }: BegunAnswer,
    room: number,
  ): Promise<EarlierPair[]> {
    return twice(async () => {
      const rows = await this.database.query<ContextRow>(this.statement, [
        accountId,
        chatId,
        seq,
        room,
      ]);
      if (rows.at(-1)?.seq !== seq) throw problems.messageNotFound();
      const bodies = await this.paths.bodiesOf(accountId, rows[0]!.root_chat_id, rows);
      if (!bodies) return null;
      return rows
        .slice(0, -1)
        .flatMap((row, at) =>
          bodies[at] === REDACTED_BODY ? [] : [earlierPair(row, bodies[at]!)],
        );
    });
  }

  /** Keeps what was counted. Never throws: what is lost is counted again. */
  private async remember(
    accountId: string,
    counted: ReadonlyMap<EarlierPair, number>,
  ): Promise<void> {
    if (counted.size === 0) return;
    const pairs = [...counted.keys()];
    const columns = (['chat_id', 'seq', 'version'] as const).map((field) =>
      pairs.map((pair) => pair[field]),
    );
    try {
      await this.database.query(KEEP_TOKENS, [accountId, ...columns, [...counted.values()]]);
    } catch (error) {
      this.logger.debug({ message: 'tokens are counted again', cause: (error as Error).message });
    }
  }
}

function earlierPair({ chat_id, seq, version, tokens }: ContextRow, body: string): EarlierPair {
  const { question, response } = wordsOf(body);
  return { chat_id, seq, version, tokens, question, response };
}
