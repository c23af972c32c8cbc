import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { bodyOf, sha256Of, wordsOf } from '../../content/body.js';
import { ContentStore, type Words } from '../../content/content-store.js';
import { Journal } from '../../content/journal.js';
import { failpoint } from '../../common/failpoint.js';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import type { AnswerError, MessageStatus, AnswerUsage } from '../chat/message.entity.js';
import { callIdsOf } from '../../tree/parts.js';
import { type Pair, pairJson, pairWrite } from '../chat/pair.js';
import { partsOfPieces, type Piece } from '../../tree/part-pieces.js';
import { type ResponsePart, sideOf } from '../../tree/parts.js';
import { holdFiles } from '../file/file-references.js';
import { type AnswerEnd, endOf } from './answer.js';
import {
  BRANCHES,
  CHUNKS,
  END,
  type EndRow,
  type GenerationRow,
  type QuestionRow,
  questionStatement,
  SETTLE_KEY,
  storeEnd,
} from './answer.sql.js';
import { addPieces, bytesIn, chunkFrom, type StoredChunk } from './delta-log.js';
import { titleOf } from './titles.service.js';

/** Where the provider says no numbers. */
const BYTES_PER_TOKEN = 4;

/** Which answer, and where it goes. */
export interface GenerationRef {
  accountId: string;
  generationId: string;
  rootChatId: string;
  /** The owner of the pair. */
  chatId: string;
  responseId: string;
}

/** How an answer ended. */
export interface AnswerOutcome {
  status: Exclude<MessageStatus, 'pending' | 'streaming'>;
  /** Absent: what the chunks have. */
  parts?: readonly ResponsePart[];
  /** The model that answered. */
  model: string | null;
  usage: AnswerUsage | null;
  error: AnswerError | null;
}

/** An end that is stored. */
export interface StoredEnd extends AnswerEnd {
  /**
   * The question by whose words the chat has been named now, and the name; null where it had one.
   */
  named: { title: string; question: string } | null;
}

/**
 * A question on its way to an answer: its pair as it is stored, and the fork point of the chat that
 * owns it.
 */
export interface Question {
  pair: Pair;
  forkSeq: number;
}

interface EndOptions {
  question?: Question;
  ifAbandoned?: boolean;
}

type End = Pick<Pair, 'status' | 'model' | 'usage' | 'error' | 'body'>;

interface WrittenPair {
  endedAt: Date;
  version: number;
  round: number;
  sha256: Buffer;
}

interface EndedAnswer {
  endedAt: Date;
  pair: Pair;
  /** The name that the chat got by this answer. */
  title: string | null;
  sha256: Buffer;
  round: number;
}

/** Ends answers: in one transaction, and each of them once, whoever comes first. */
@Injectable()
export class AnswerEnds {
  private readonly storeEnd: string;
  private readonly question: Statement;

  constructor(
    private readonly database: Database,
    private readonly journal: Journal,
    private readonly events: EventDispatcher,
    private readonly content: ContentStore,
  ) {
    this.storeEnd = storeEnd(content.table);
    this.question = questionStatement(content.table);
  }

  /**
   * Stores the pair as it is at the end, and tells it to everybody.
   * @param question as whoever wrote the answer knows it; read where it is not given
   * @param ifAbandoned only if its instance is dead
   * @returns null when somebody else ended it, or the pair was purged
   * @throws when a store is away: then nothing happened, and it may be tried again
   */
  async end(
    ref: GenerationRef,
    ending: AnswerOutcome,
    { question, ifAbandoned = false }: EndOptions = {},
  ): Promise<StoredEnd | null> {
    const asked = question ?? (await this.questionOf(ref));
    if (!asked) return null;
    failpoint('answer.before_end');
    const stored = await this.database.transaction((tx) =>
      this.store(tx, ref, asked, { ending, ifAbandoned }),
    );
    failpoint('answer.after_end');
    if (!stored) return null;
    this.events.changed(ref.accountId, ref.rootChatId);
    const { pair, title, sha256, round, endedAt } = stored;
    const { accountId, rootChatId } = ref;
    const place = { accountId, rootChatId, forkSeq: asked.forkSeq, seq: pair.seq, sha256 };
    const contentState = await this.journal.deliver(pairWrite(pair, place), round);
    return {
      ...endOf(pairJson(pair), pair.status, contentState),
      endedAt,
      named: title === null ? null : { title, question: wordsOf(pair.body).question! },
    };
  }

  /**
   * Ends an answer whose instance is dead: what it had put down is kept and counted.
   * @returns null when its instance lives after all, or somebody else ended it @throws like `end`
   */
  endAbandoned({ status, ...row }: GenerationRow): Promise<StoredEnd | null> {
    const ref = {
      accountId: row.account_id,
      generationId: row.generation_id,
      rootChatId: row.root_chat_id,
      chatId: row.chat_id,
      responseId: row.response_id,
    };
    const ending = {
      status: status === 'stopping' ? 'cancelled' : 'interrupted',
      model: null,
      usage: null,
      error: null,
    } as const;
    return this.end(ref, ending, { ifAbandoned: true });
  }

  /**
   * As it is stored, whether or not its chat is deleted meanwhile; null for a pair that does not
   * exist. @throws content_unavailable
   */
  private async questionOf({ accountId, responseId }: GenerationRef): Promise<Question | null> {
    const [row] = await this.database.query<QuestionRow>(this.question, [accountId, responseId]);
    if (!row) return null;
    const { rootChatId: _, forkSeq, ...pair } = row;
    const body = row.body ?? (await this.stored(accountId, row));
    return { pair: { ...pair, body, branches: [], branchesTotal: 0 }, forkSeq };
  }

  private async stored(accountId: string, row: QuestionRow): Promise<string> {
    const stored = await this.content.findMany(accountId, row.rootChatId, [{ accountId, ...row }]);
    const found = stored.get(row.responseId);
    if (found?.version !== row.version)
      throw problems.contentUnavailable({ headers: { 'retry-after': '2' } });
    return found.body;
  }

  private async store(
    tx: EntityManager,
    ref: GenerationRef,
    { pair: asked }: Question,
    { ending, ifAbandoned }: { ending: AnswerOutcome; ifAbandoned: boolean },
  ): Promise<EndedAnswer | null> {
    const { accountId, generationId, chatId, responseId } = ref;
    const [ended] = await tx.query<EndRow[]>(END, [accountId, chatId, generationId, ifAbandoned]);
    if (!ended) return null;
    const words = wordsOf(asked.body);
    const known =
      ending.parts === undefined ? await fromChunks(tx, ref, ending, words.question ?? '') : ending;
    const end = {
      ...keptBy(known, words),
      model: ended.model ?? ending.model,
    };
    const { response, response_parts } = end;
    const body = bodyOf({ ...words, response, response_parts });
    const wantsTitle = ending.status === 'complete' && ended.is_living_root && ended.name === null;
    const title = wantsTitle && words.question !== null ? titleOf(words.question) : null;
    const row = await this.write(tx, ref, { ...end, body }, [title, callIdsOf(response_parts)]);
    if (!row) return null;
    await holdFiles(tx, accountId, responseId, response_parts);
    const [branches] = await tx.query<{ shown: string[]; total: number }[]>(BRANCHES, [
      accountId,
      chatId,
      asked.seq,
      responseId,
    ]);
    const pair = pairAt(asked, { ...end, body }, row.version, branches!);
    if (ended.key !== null)
      await tx.query(SETTLE_KEY, [accountId, ended.scope, ended.key, pairJson(pair)]);
    return { pair, title, sha256: row.sha256, round: row.round, endedAt: row.endedAt };
  }

  private async write(
    tx: EntityManager,
    ref: GenerationRef,
    end: End,
    [title, callIds]: [title: string | null, callIds: string[] | null],
  ): Promise<WrittenPair | undefined> {
    const sha256 = sha256Of(end.body);
    const endedAt = new Date();
    const [row] = await tx.query<{ version: number; round: number }[]>(this.storeEnd, [
      ...[
        ref.accountId,
        ref.generationId,
        ref.chatId,
        ref.responseId,
        end.status,
        end.body,
        Buffer.byteLength(end.body),
        sha256,
        end.model,
      ],
      ...[end.usage && JSON.stringify(end.usage), end.error && JSON.stringify(end.error)],
      ...[
        endOf('', end.status).type === 'failed' ? 'message.failed' : 'message.completed',
        title,
        endedAt,
      ],
      ...[end.usage?.input_tokens ?? null, end.usage?.output_tokens ?? null, callIds],
    ]);
    return row && { ...row, sha256, endedAt };
  }
}

/**
 * What the pair shows at the end. A retry that said nothing takes nothing away: what an earlier
 * answer had been cut short with stays, and so it counts as interrupted: it did not fail there.
 */
function keptBy(
  ending: AnswerOutcome,
  { response, response_parts = null }: Words,
): AnswerOutcome & Pick<Words, 'response' | 'response_parts'> {
  const { text, parts } = sideOf(ending.parts ?? []);
  if (text !== null || parts !== null || ending.status === 'complete')
    return { ...ending, response: text, response_parts: parts };
  const stays = ending.status === 'failed' && (response !== null || response_parts !== null);
  return { ...ending, status: stays ? 'interrupted' : ending.status, response, response_parts };
}

/**
 * The ending of an answer whose end nobody saw: what it had put down, and what that took, as far as
 * it can be told from the question and from what was said. Which context the model was given nobody
 * knows any more.
 */
async function fromChunks(
  tx: EntityManager,
  ref: GenerationRef,
  ending: AnswerOutcome,
  question: string,
): Promise<AnswerOutcome> {
  const rows = await tx.query<StoredChunk[]>(CHUNKS, [ref.accountId, ref.generationId]);
  const pieces: Piece[] = [];
  for (const row of rows) addPieces(pieces, chunkFrom(row), 0);
  const bytes = bytesIn(pieces);
  return {
    ...ending,
    parts: partsOfPieces(pieces),
    usage:
      bytes > 0
        ? { input_tokens: tokensIn(Buffer.byteLength(question)), output_tokens: tokensIn(bytes) }
        : null,
  };
}

const tokensIn = (bytes: number): number => Math.ceil(bytes / BYTES_PER_TOKEN);

const pairAt = (
  asked: Pair,
  end: End,
  version: number,
  branches: { shown: string[]; total: number },
): Pair => ({
  ...asked,
  ...end,
  version,
  branches: branches.shown,
  branchesTotal: branches.total,
});
