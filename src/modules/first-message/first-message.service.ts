import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { ContentState } from '../../content/journal.js';
import { Idempotency, type IdempotentRequest, type Making } from '../../database/idempotency.js';
import { ChatService } from '../chat/chat.service.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { type AppendedPair, AppendService } from '../message/append.service.js';
import { newPair } from '../message/new-pair.js';
import { ChatNumbersService } from './chat-numbers.service.js';
import type { FirstMessageAnswerDto, FirstMessageDto } from './first-message.dto.js';
import { asMessage, questionOf } from './numbered-message.js';

/** The JSON of an answer, and where its words are. */
export interface Stored {
  json: string;
  /** Null for an answer that is given again. */
  contentState: ContentState | null;
}

/** Starts chats with their first message. */
@Injectable()
export class FirstMessageService {
  constructor(
    private readonly chats: ChatService,
    private readonly numbers: ChatNumbersService,
    private readonly idempotency: Idempotency,
    private readonly appends: AppendService,
  ) {}

  /** Makes a chat, its number and its first message, in one transaction: all of them or nothing. @throws store_unavailable */
  async start(accountId: string, request: IdempotentRequest | null, said: FirstMessageDto): Promise<Stored> {
    this.appends.assertRoom();
    const { made, json } = await this.idempotency.make(accountId, request, (tx) => this.make(tx, accountId, said));
    const delivered = made && (await this.appends.deliver(made));
    return { json, contentState: delivered?.contentState ?? null };
  }

  private async make(tx: EntityManager, accountId: string, first: FirstMessageDto): Promise<Making<AppendedPair>> {
    const { chat_id: chatUuid } = await this.chats.create(tx, accountId, {});
    const said = questionOf(first);
    const pair = newPair({ accountId, chatId: chatUuid, said, response: null, idempotent: null });
    const appended = await this.appends.appendIn(tx, pair);
    // Last, since from here on the account's other new chats wait for this transaction.
    const names = { chat_id: await this.numbers.assign(tx, accountId, chatUuid), chat_uuid: chatUuid };
    const stored = { ...said, response_id: pair.responseId, model: null, timestamp: pair.createdAt.toISOString() } as QaPairDto;
    const answer: FirstMessageAnswerDto = { ...names, message: asMessage(names, stored) };
    return { made: { pair, appended }, answer };
  }
}
