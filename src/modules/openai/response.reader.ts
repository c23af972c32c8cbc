import { Injectable } from '@nestjs/common';
import { Problem, problems } from '../../common/problems.js';
import { readPair, wordsOf } from '../../content/body.js';
import { Database } from '../../database/database.js';
import { LanguageModel } from '../../llm/language-model.js';
import { ChatService } from '../chat/chat.service.js';
import type { AnswerEnd } from '../answer/answer.js';
import type { ChatView } from '../chat/chat.view.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { type Pair, pairJson } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import type { Entry } from '../message/append.service.js';
import { notesOf } from './openai-metadata.js';
import { type PairPlace, PLACE } from './pair-place.sql.js';
import type { Settings } from './response-settings.js';
import type { ResponseHead } from './response-wire.js';

/** A pair with what its response shows besides. */
export interface FoundResponse {
  place: PairPlace;
  pair: QaPairDto;
  head: ResponseHead;
}

/** Finds pairs by nothing but their ids, as OpenAI's clients name them. */
@Injectable()
export class ResponseReader {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly model: LanguageModel,
  ) {}

  /** Where a pair is to be seen that was not erased. @throws message_not_found */
  async place(accountId: string, responseId: string): Promise<PairPlace> {
    const [place] = await this.database.query<PairPlace>(PLACE, [accountId, responseId]);
    if (!place) throw problems.messageNotFound();
    return place;
  }

  /** @throws message_not_found, content_unavailable */
  async find(accountId: string, responseId: string): Promise<FoundResponse> {
    const place = await this.place(accountId, responseId);
    const [chat, found] = await Promise.all([
      this.chats.get(accountId, place.chat_id),
      this.paths.pair(accountId, place.chat_id, responseId),
    ]);
    // Of erased words nobody is told that they were there.
    if (found.status === 'redacted') throw problems.messageNotFound();
    const pair = readPair<QaPairDto>(pairJson(found));
    return { place, pair, head: this.headOf(found, place, chat) };
  }

  /** The same; null where there is no such pair. @throws content_unavailable */
  async known(accountId: string, responseId: string): Promise<FoundResponse | null> {
    return this.find(accountId, responseId).catch((error: unknown) => {
      if (error instanceof Problem && error.kind === problems.messageNotFound.kind) return null;
      throw error;
    });
  }

  /** The head of what was appended just now: nothing of it is read again. */
  headOfEntry({ pair, row }: Entry): ResponseHead {
    const place = { ...row, chat_id: pair.chatId };
    return this.headOf(pair, place, { model: row.chat_model, system_prompt: row.system_prompt });
  }

  private headOf(
    pair: Pick<Pair, 'responseId' | 'createdAt' | 'model' | 'body'>,
    place: Pick<PairPlace, 'chat_id' | 'root_chat_id' | 'parent_response_id'>,
    chat: Pick<ChatView, 'model' | 'system_prompt'>,
  ): ResponseHead {
    const words = wordsOf(pair.body);
    const settings = (words.settings ?? {}) as Settings;
    return {
      responseId: pair.responseId,
      createdAt: seconds(pair.createdAt),
      model: pair.model ?? chat.model ?? this.model.find(null).id,
      previous: place.parent_response_id,
      rootChatId: place.root_chat_id,
      metadata: { ...notesOf(words.metadata), branch_id: place.chat_id },
      settings: { instructions: chat.system_prompt ?? undefined, ...settings },
    };
  }

  /**
   * When an answer ended, in seconds since 1970; null as long as it is written.
   * @param end as it was told, which may say it
   */
  async endedAt(
    accountId: string,
    responseId: string,
    end: Pick<AnswerEnd, 'endedAt'>,
  ): Promise<number | null> {
    if (end.endedAt) return seconds(end.endedAt);
    const [place] = await this.database.query<PairPlace>(PLACE, [accountId, responseId]);
    return endOf(place);
  }
}

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/** When the answer of a pair ended, in seconds since 1970. */
export const endOf = (place: PairPlace | undefined): number | null =>
  place?.ended_at ? seconds(place.ended_at) : null;
