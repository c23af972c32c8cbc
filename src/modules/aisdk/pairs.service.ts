import { Injectable } from '@nestjs/common';
import { ChatService } from '../chat/chat.service.js';
import { PathService } from '../chat/path.service.js';
import { ClientFiles } from '../client-chat/client-files.service.js';
import { type ClientPlace, ClientPlaces } from '../client-chat/client-places.service.js';
import { filesIn, partsOfPair } from '../client-chat/pair-parts.js';
import type { UiStoredMessageDto } from './aisdk.dto.js';
import { Steps } from './steps.service.js';
import type { UiMessageHead, UiSurroundings } from './ui-message-stream.js';
import { messagesOf } from './ui-messages.js';
import type { UiMetadata } from './ui-metadata.js';
import type { UiPlace, UiTurn } from './ui-request.js';

const PAGE_PAIRS = 100;

/** Pairs as the messages of a page, which may have several. */
@Injectable()
export class PairsService {
  constructor(
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly places: ClientPlaces,
    private readonly steps: Steps,
    private readonly files: ClientFiles,
  ) {}

  /** The last pair of a message of so many turns. @throws message_not_found */
  async endOf(accountId: string, rootChatId: string, { id, steps }: UiPlace): Promise<ClientPlace> {
    const place = await this.places.placeOf(accountId, rootChatId, id);
    if (steps === 1) return place;
    const first = await this.paths.pair(accountId, place.chatId, id);
    const { responseId, seq } = (await this.steps.from(accountId, place.chatId, first, steps)).at(
      -1,
    )!;
    return { chatId: place.chatId, responseId, seq };
  }

  /**
   * The pair that is to be answered anew: the one that is named, else the one behind the path that
   * the client has; null when there is none.
   */
  async named(
    accountId: string,
    rootChatId: string,
    responseId: string | null,
    { after }: Pick<UiTurn, 'after'>,
  ): Promise<ClientPlace | null> {
    if (responseId !== null) return this.places.placeOf(accountId, rootChatId, responseId);
    const parent = after ? await this.endOf(accountId, rootChatId, after) : null;
    return this.places.behind(accountId, rootChatId, parent);
  }

  /** The message that a pair of a conversation belongs to. @throws message_not_found */
  async headOf(accountId: string, rootChatId: string, responseId: string): Promise<UiMessageHead> {
    const { chatId } = await this.places.placeOf(accountId, rootChatId, responseId);
    const pair = await this.paths.pair(accountId, chatId, responseId);
    return this.steps.headOf(accountId, chatId, pair);
  }

  /** What is asked while an answer is told. */
  around(accountId: string): UiSurroundings {
    return {
      metadataOf: (chatId, responseId) => this.metadataOf(accountId, chatId, responseId),
      urlsOf: (files) => this.files.urlsOf(accountId, files),
    };
  }

  /** Where a pair stands among its siblings; undefined when it is gone. */
  private async metadataOf(
    accountId: string,
    chatId: string,
    responseId: string,
  ): Promise<UiMetadata | undefined> {
    try {
      const { siblings, pair } = await this.paths.pairInTree(accountId, chatId, responseId);
      const before = await this.paths.page(accountId, chatId, 1, { before: pair.seq });
      return {
        branchId: pair.chatId,
        parentId: before.pairs[0]?.responseId ?? null,
        siblingIndex: siblings.findIndex(({ response_id }) => response_id === responseId),
        siblingCount: siblings.length,
      };
    } catch {
      // An answer is worth more than what stands beside it.
      return undefined;
    }
  }

  /**
   * The active branch of a conversation and its newest messages, as `useChat` keeps them, for
   * `exactJson`. @throws chat_not_found, content_unavailable
   */
  async stateOf(
    accountId: string,
    rootChatId: string,
  ): Promise<{ chat_id: string; messages: UiStoredMessageDto[] }> {
    const chatId = await this.chats.activeOf(accountId, rootChatId);
    const { pairs } = await this.paths.page(accountId, chatId, PAGE_PAIRS);
    const files = pairs.map(partsOfPair).flatMap(filesIn);
    const urlOf = await this.files.urlsOf(accountId, files);
    return { chat_id: chatId, messages: messagesOf(pairs, urlOf) };
  }
}
