import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import { Answers } from '../answer/answers.service.js';
import { keptEvents, stateOf } from './response-events.js';
import { responseOf } from './response-wire.js';
import type { ResponseDto } from './response.dto.js';
import { ResponseReader } from './response.reader.js';

/** Responses that exist already: read, followed and stopped. */
@Injectable()
export class KeptResponses {
  constructor(
    private readonly reader: ResponseReader,
    private readonly answers: Answers,
    private readonly idempotency: Idempotency,
  ) {}

  /** @throws message_not_found, content_unavailable */
  async get(accountId: string, responseId: string): Promise<ResponseDto> {
    const { head, pair } = await this.reader.find(accountId, responseId);
    return responseOf(head, stateOf(pair));
  }

  /** Its events behind the number `after`; all of them without. @throws like `get` */
  async follow(
    accountId: string,
    responseId: string,
    after?: number,
  ): Promise<AsyncIterable<string>> {
    const { head, place } = await this.reader.find(accountId, responseId);
    return keptEvents(
      head,
      (await this.answers.find(accountId, place.chat_id, responseId)).events(),
      after,
    );
  }

  /**
   * Answers the JSON of a `ResponseDto`. @throws like `get`; store_unavailable when it cannot be
   * ended
   */
  async cancel(
    accountId: string,
    responseId: string,
    idempotent: IdempotentRequest | null,
  ): Promise<string> {
    return this.idempotency.remember(accountId, idempotent, async () => {
      const { chat_id: chatId } = await this.reader.place(accountId, responseId);
      await (await this.answers.find(accountId, chatId, responseId)).stop();
      return JSON.stringify(await this.get(accountId, responseId));
    });
  }

  /** @throws message_not_found, else response_not_deletable */
  async refuseToRemove(accountId: string, responseId: string): Promise<never> {
    const { chat_id: chatId, root_chat_id: rootChatId } = await this.reader.place(
      accountId,
      responseId,
    );
    throw problems.responseNotDeletable({
      detail: `A response is not deleted alone: branches may have inherited it. Delete its branch (DELETE /api/v1/chats/${chatId}) or its conversation (DELETE /v1/conversations/conv_${rootChatId}).`,
    });
  }
}
