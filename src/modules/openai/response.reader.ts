import { Injectable } from '@nestjs/common';
import { Problem, problems } from '../../common/problems.js';
import { wordsOf } from '../../content/body.js';
import { Database } from '../../database/database.js';
import { LanguageModel } from '../../llm/language-model.js';
import { ChatService } from '../chat/chat.service.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { pairJson } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
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

  /** Where a pair is to be seen. @throws message_not_found */
  async place(accountId: string, responseId: string): Promise<PairPlace> {
    const [place] = await this.database.query<PairPlace>(PLACE, [accountId, responseId]);
    if (!place) throw problems.messageNotFound();
    return place;
  }

  /** @throws message_not_found, content_unavailable */
  async find(accountId: string, responseId: string): Promise<FoundResponse> {
    return this.at(accountId, responseId, await this.place(accountId, responseId));
  }

  /** The same; null where there is no such pair. @throws content_unavailable */
  async known(accountId: string, responseId: string): Promise<FoundResponse | null> {
    return this.find(accountId, responseId).catch((error: unknown) => {
      if (error instanceof Problem && error.kind === problems.messageNotFound.kind) return null;
      throw error;
    });
  }

  /** The same of a pair whose place is known. @throws like `find` */
  async at(accountId: string, responseId: string, place: PairPlace): Promise<FoundResponse> {
    const [chat, found] = await Promise.all([
      this.chats.get(accountId, place.chat_id),
      this.paths.pair(accountId, place.chat_id, responseId),
    ]);
    // Of erased words nobody is told that they were there.
    if (found.status === 'redacted') throw problems.messageNotFound();
    const pair = JSON.parse(pairJson(found)) as QaPairDto;
    const words = wordsOf(found.body);
    const settings = (words.settings ?? {}) as Settings;
    const head = {
      responseId,
      createdAt: seconds(found.createdAt),
      model: pair.model ?? chat.model ?? this.model.find(null).id,
      previous: place.parent_response_id,
      rootChatId: place.root_chat_id,
      metadata: { ...notesOf(words.metadata), branch_id: place.chat_id },
      settings: { instructions: chat.system_prompt ?? undefined, ...settings },
    };
    return { place, pair, head };
  }

  /** When an answer ended, in seconds since 1970; null as long as it is written. */
  async endedAt(accountId: string, responseId: string): Promise<number | null> {
    const [place] = await this.database.query<PairPlace>(PLACE, [accountId, responseId]);
    return endOf(place);
  }
}

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/** When the answer of a pair ended, in seconds since 1970. */
export const endOf = (place: PairPlace | undefined): number | null =>
  place?.ended_at ? seconds(place.ended_at) : null;
