import { Injectable } from '@nestjs/common';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import type { AnswerEnd } from '../answer/answer.js';
import { Answers } from '../answer/answers.service.js';
import { RedactionService } from '../redaction/redaction.service.js';
import { responseName } from './openai-ids.js';
import { keptEvents, sentEvents } from './response-events.js';
import { responseOf, stateOf } from './response-wire.js';
import type { DeletedResponseDto, ResponseDto } from './response.dto.js';
import { endOf, ResponseReader } from './response.reader.js';

/** Responses that exist already: read, followed and stopped. */
@Injectable()
export class KeptResponses {
  constructor(
    private readonly reader: ResponseReader,
    private readonly answers: Answers,
    private readonly idempotency: Idempotency,
    private readonly redactions: RedactionService,
  ) {}

  /** @throws message_not_found, content_unavailable */
  async get(accountId: string, responseId: string): Promise<ResponseDto> {
    const { head, pair, place } = await this.reader.find(accountId, responseId);
    return responseOf(head, stateOf(pair, endOf(place)));
  }

  /** Its events behind the number `after`; all of them without. @throws like `get` */
  async follow(
    accountId: string,
    responseId: string,
    after?: number,
  ): Promise<AsyncIterable<string>> {
    const { head, place } = await this.reader.find(accountId, responseId);
    const answer = await this.answers.find(accountId, place.chat_id, responseId);
    const endedAt = (end: AnswerEnd) => this.reader.endedAt(accountId, responseId, end);
    return sentEvents(keptEvents(head, answer.events(), endedAt, after));
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

  /** Erases the words of its pair for good, in every branch. @throws message_not_found */
  async remove(accountId: string, responseId: string): Promise<DeletedResponseDto> {
    const { place } = await this.reader.find(accountId, responseId);
    await this.redactions.redact(accountId, place.chat_id, responseId);
    return { id: responseName(responseId), object: 'response', deleted: true };
  }
}
