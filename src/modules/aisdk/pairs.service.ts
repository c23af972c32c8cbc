import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { ChatService } from '../chat/chat.service.js';
import { PathService } from '../chat/path.service.js';
import type { UiStoredMessageDto } from './aisdk.dto.js';
import { Steps } from './steps.service.js';
import { UiFiles } from './ui-files.service.js';
import type { UiMessageHead, UiSurroundings } from './ui-message-stream.js';
import { filesIn, messagesOf, partsOfPair } from './ui-messages.js';
import type { UiMetadata } from './ui-metadata.js';
import type { UiPlace } from './ui-request.js';

const PAGE_PAIRS = 100;

/** The chat that owns a pair of a conversation. */
const OWNER: Statement = {
  name: 'aisdk.owner',
  text: 'SELECT chat_id, seq FROM messages WHERE account_id = $1 AND root_chat_id = $2 AND response_id = $3',
};

interface Owner {
  [column: string]: unknown;
  chat_id: string;
  seq: number;
}

/** A pair, and the chat in which one goes on from it. */
export interface UiPlaceFound {
  chatId: string;
  responseId: string;
  seq: number;
}

/** Where pairs stand that clients name: they know no branches, only the ids of messages. */
@Injectable()
export class PairsService {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly steps: Steps,
    private readonly files: UiFiles,
  ) {}

  /**
   * A pair, and the chat to go on from it: the active branch, if the pair is on its path, else the
   * chat that owns it. @throws message_not_found
   */
  async placeOf(accountId: string, rootChatId: string, responseId: string): Promise<UiPlaceFound> {
    const values = [accountId, rootChatId, responseId];
    const [owner] = await this.database.query<Owner>(OWNER, values);
    if (!owner) throw problems.messageNotFound();
    const { chat_id: ownerId, seq } = owner;
    const activeId = await this.chats.activeOf(accountId, rootChatId);
    if (ownerId === activeId) return { chatId: activeId, responseId, seq };
    const { pairs } = await this.paths.page(accountId, activeId, 1, { after: seq - 1 });
    const isOn = pairs[0]?.responseId === responseId;
    return { chatId: isOn ? activeId : ownerId, responseId, seq };
  }

  /** The last pair of a message of so many turns. @throws message_not_found */
  async endOf(
    accountId: string,
    rootChatId: string,
    { id, steps }: UiPlace,
  ): Promise<UiPlaceFound> {
    const place = await this.placeOf(accountId, rootChatId, id);
    if (steps === 1) return place;
    const first = await this.paths.pair(accountId, place.chatId, id);
    const { responseId, seq } = (await this.steps.from(accountId, place.chatId, first, steps)).at(
      -1,
    )!;
    return { chatId: place.chatId, responseId, seq };
  }

  /**
   * The pair behind another one (null: the first pair) on the path of the active branch; null when
   * there is none.
   */
  async behind(
    accountId: string,
    rootChatId: string,
    parent: UiPlaceFound | null,
  ): Promise<UiPlaceFound | null> {
    const chatId = await this.chats.activeOf(accountId, rootChatId);
    const { pairs } = await this.paths.page(accountId, chatId, 1, { after: parent?.seq ?? 0 });
    const [pair] = pairs;
    return pair ? { chatId, responseId: pair.responseId, seq: pair.seq } : null;
  }

  /**
   * What systems say that was not said on a path until now: clients send all of it each time.
   * Looked for where it is said, in the first pair and in the newest ones.
   */
  async newTo(
    accountId: string,
    place: UiPlaceFound | null,
    systems: readonly string[],
  ): Promise<string[]> {
    if (systems.length === 0 || place === null) return [...systems];
    const { chatId, seq } = place;
    const newest = await this.paths.page(accountId, chatId, PAGE_PAIRS, { before: seq + 1 });
    const first = await this.paths.page(accountId, chatId, 1, { after: 0 });
    const said = [...first.pairs, ...newest.pairs].flatMap((pair) =>
      partsOfPair(pair).asked.instructions.map(({ text }) => text),
    );
    return systems.filter((text) => !said.includes(text));
  }

  /** The message that a pair of a conversation belongs to. @throws message_not_found */
  async headOf(accountId: string, rootChatId: string, responseId: string): Promise<UiMessageHead> {
    const { chatId } = await this.placeOf(accountId, rootChatId, responseId);
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
