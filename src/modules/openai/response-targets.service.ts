import { Injectable } from '@nestjs/common';
import { invalidField, Problem, problems } from '../../common/problems.js';
import { ChatService } from '../chat/chat.service.js';
import { branchIn, conversationIn, responseIn } from './openai-ids.js';
import { ResponseReader } from './response.reader.js';
import type { CreateResponseDto } from './create-response.dto.js';

/** Where a question goes. */
export interface Target {
  chatId: string;
  /** To the active branch of that chat's conversation. */
  toActive: boolean;
  /** The pair that it goes behind; undefined: whatever is the last one. */
  parent?: string;
}

type Places = Partial<
  Pick<CreateResponseDto, 'previous_response_id' | 'conversation' | 'metadata'>
>;

/** Finds the chats that requests name. */
@Injectable()
export class ResponseTargets {
  constructor(
    private readonly chats: ChatService,
    private readonly reader: ResponseReader,
  ) {}

  /**
   * Null: a new chat. @throws 422 for names that exclude each other; chat_not_found,
   * previous_response_not_found
   */
  async of(
    accountId: string,
    { previous_response_id: previous, conversation, metadata }: Places,
  ): Promise<Target | null> {
    const branchId = branchIn(metadata?.branch_id);
    if (previous != null && conversation != null) {
      throw invalidField(
        'previous_response_id',
        'must not be given together with conversation: both say where it goes on',
      );
    }
    if (previous != null) return this.behind(accountId, responseIn(previous), branchId);
    if (conversation != null) return this.inConversation(accountId, conversation, branchId);
    return branchId === null ? null : { chatId: branchId, toActive: false };
  }

  /** Behind a pair; null is the name of none. @throws previous_response_not_found */
  async behind(
    accountId: string,
    parent: string | null,
    branchId: string | null = null,
  ): Promise<Target> {
    if (parent === null) throw previousNotFound();
    const place = await this.reader.place(accountId, parent).catch((error: unknown) => {
      throw isUnknown(error) ? previousNotFound() : error;
    });
    if (branchId !== null) await this.assertIn(accountId, place.root_chat_id, branchId);
    return { chatId: branchId ?? place.chat_id, toActive: false, parent };
  }

  private async inConversation(
    accountId: string,
    name: string | { id: string },
    noted: string | null,
  ): Promise<Target> {
    const { chatId, branchId } = conversationIn(typeof name === 'string' ? name : name.id)!;
    if (branchId !== null && noted !== null && branchId !== noted) {
      throw invalidField('metadata', 'branch_id is another branch than that of conversation');
    }
    const branch = branchId ?? noted;
    if (branch === null) return { chatId, toActive: true };
    await this.assertIn(accountId, (await this.chats.get(accountId, chatId)).root_chat_id, branch);
    return { chatId: branch, toActive: false };
  }

  private async assertIn(accountId: string, rootChatId: string, branchId: string): Promise<void> {
    const { root_chat_id: root } = await this.chats.get(accountId, branchId);
    if (root !== rootChatId)
      throw problems.chatNotFound({ detail: 'The branch is not one of this conversation.' });
  }
}

const isUnknown = (error: unknown): boolean =>
  error instanceof Problem && error.kind === problems.messageNotFound.kind;

/** Clients recover by this code: they send what was said before again. */
export const previousNotFound = (): Problem =>
  problems.previousResponseNotFound({
    detail: problems.previousResponseNotFound.kind.title,
    errors: [{ path: 'previous_response_id', message: 'there is no response of that id' }],
  });
