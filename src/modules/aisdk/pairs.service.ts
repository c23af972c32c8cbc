import { Injectable } from '@nestjs/common';
import { wordsOf } from '../../content/body.js';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { ChatService } from '../chat/chat.service.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import type { UiStoredMessageDto } from './aisdk.dto.js';
import { storedMetadata, type UiMetadata } from './ui-metadata.js';

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

/** Where pairs stand that clients name: they know no branches, only the ids of answers. */
@Injectable()
export class PairsService {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
    private readonly paths: PathService,
  ) {}

  /**
   * The chat to go on from a pair: the active branch, if the pair is on its path, else the chat
   * that owns it. @throws message_not_found
   */
  async chatWith(accountId: string, rootChatId: string, responseId: string): Promise<string> {
    const owner = await this.ownerOf(accountId, rootChatId, responseId);
    const activeId = await this.chats.activeOf(accountId, rootChatId);
    if (owner.chat_id === activeId) return activeId;
    const { pairs } = await this.paths.page(accountId, activeId, 1, { after: owner.seq - 1 });
    return pairs[0]?.responseId === responseId ? activeId : owner.chat_id;
  }

  /**
   * The pair behind another one (null: the first pair) on the path of the active branch; null when
   * there is none.
   */
  async after(
    accountId: string,
    rootChatId: string,
    parent: string | null,
  ): Promise<string | null> {
    const seq = parent === null ? 0 : (await this.ownerOf(accountId, rootChatId, parent)).seq;
    const activeId = await this.chats.activeOf(accountId, rootChatId);
    const { pairs } = await this.paths.page(accountId, activeId, 1, { after: seq });
    return pairs[0]?.responseId ?? null;
  }

  /** Where a pair stands among its siblings; undefined when it is gone. */
  async metadataOf(
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
   * The active branch of a conversation and its newest messages, as `useChat` keeps them. @throws
   * chat_not_found, content_unavailable
   */
  async stateOf(
    accountId: string,
    rootChatId: string,
  ): Promise<{ chat_id: string; messages: UiStoredMessageDto[] }> {
    const chatId = await this.chats.activeOf(accountId, rootChatId);
    const { pairs } = await this.paths.page(accountId, chatId, PAGE_PAIRS);
    return { chat_id: chatId, messages: pairs.flatMap(asMessages) };
  }

  private async ownerOf(accountId: string, rootChatId: string, responseId: string): Promise<Owner> {
    const [owner] = await this.database.query<Owner>(OWNER, [accountId, rootChatId, responseId]);
    if (!owner) throw problems.messageNotFound();
    return owner;
  }
}

/** For `exactJson`. */
function asMessages(pair: Pair): UiStoredMessageDto[] {
  if (pair.status === 'redacted') return [];
  const { question, response, metadata } = wordsOf(pair.body);
  const message = (id: string, role: string, text: string, own?: object | null) => ({
    id,
    role,
    parts: [{ type: 'text' as const, text }],
    metadata: storedMetadata(pair, own),
  });
  const questionId = `${pair.responseId}-question`;
  return [
    ...(question === null ? [] : [message(questionId, 'user', question, metadata)]),
    ...(response === null ? [] : [message(pair.responseId, 'assistant', response)]),
  ];
}
