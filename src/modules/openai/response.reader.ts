import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { wordsOf } from '../../content/body.js';
import { Database } from '../../database/database.js';
import { LanguageModel } from '../../llm/language-model.js';
import { ChatService } from '../chat/chat.service.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { pairJson } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { notesOf } from './openai-metadata.js';
import { type PairPlace, PLACE } from './pair-place.sql.js';
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

  /**
   * The same of a pair whose place is known. @param settings of the request that made it, where it
   * is answered @throws like `find`
   */
  async at(
    accountId: string,
    responseId: string,
    place: PairPlace,
    settings: ResponseHead['settings'] = {},
  ): Promise<FoundResponse> {
    const [chat, found] = await Promise.all([
      this.chats.get(accountId, place.chat_id),
      this.paths.pair(accountId, place.chat_id, responseId),
    ]);
    const pair = JSON.parse(pairJson(found)) as QaPairDto;
    const head = {
      responseId,
      createdAt: Math.floor(found.createdAt.getTime() / 1000),
      model: pair.model ?? chat.model ?? this.model.find(null).id,
      instructions: chat.system_prompt,
      previous: place.parent_response_id,
      rootChatId: place.root_chat_id,
      metadata: { ...notesOf(wordsOf(found.body).metadata), branch_id: place.chat_id },
      settings,
    };
    return { place, pair, head };
  }
}
