import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { ContentState } from '../../content/journal.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { AppendService, type Entry } from '../message/append.service.js';
import type { Utterance } from '../message/append.service.js';
import { ChatNumbersService } from './chat-numbers.service.js';
import type { FirstMessageAnswerDto, FirstMessageDto } from './first-message.dto.js';
import { asMessage, questionOf } from './numbered-message.js';

/** The JSON of an answer, and where its words are. */
export interface StoredMessage {
  json: string;
  /** Null for an answer that is given again. */
  contentState: ContentState | null;
}

/** Starts chats with their first message. */
@Injectable()
export class FirstMessageService {
  constructor(
    private readonly numbers: ChatNumbersService,
    private readonly appends: AppendService,
  ) {}

  /**
   * Makes a chat, its number and its first message, in one transaction: all of them or nothing.
   * @throws store_unavailable
   */
  async start(
    accountId: string,
    key: IdempotentRequest | null,
    first: FirstMessageDto,
  ): Promise<StoredMessage> {
    const said = questionOf(first);
    const outcome = await this.appends.commit({
      accountId,
      drafts: [{ said, response: null }],
      to: { chat: {} },
      key,
      answerOf: (tx, entries) => this.answerOf(tx, said, entries[0]!),
    });
    const { json, made } = outcome!;
    return { json, contentState: made?.[0]?.contentState ?? null };
  }

  /** Last, since from here on the account's other new chats wait for this transaction. */
  private async answerOf(
    tx: EntityManager,
    said: Utterance,
    { pair }: Entry,
  ): Promise<FirstMessageAnswerDto> {
    const names = {
      chat_id: await this.numbers.assign(tx, pair.accountId, pair.chatId),
      chat_uuid: pair.chatId,
    };
    const stored = {
      ...said,
      response_id: pair.responseId,
      model: null,
      timestamp: pair.createdAt.toISOString(),
    } as QaPairDto;
    return { ...names, message: asMessage(names, stored) };
  }
}
