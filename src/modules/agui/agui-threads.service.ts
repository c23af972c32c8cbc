import { Injectable } from '@nestjs/common';
import { decodeNumberCursor, encodeCursor } from '../../common/cursor.js';
import { Answers } from '../answer/answers.service.js';
import { ChatService } from '../chat/chat.service.js';
import type { Pair } from '../chat/pair.js';
import { PathService } from '../chat/path.service.js';
import { ClientChatsService } from '../client-chat/client-chats.service.js';
import { ClientFiles } from '../client-chat/client-files.service.js';
import { filesIn, partsOfPair } from '../client-chat/pair-parts.js';
import type {
  AguiHistoryDto,
  AguiThreadsDto,
  ListThreadsQuery,
  RunAgentInputDto,
  ThreadMessagesQuery,
} from './agui.dto.js';
import { messagesOf, stateOf } from './agui-history.js';
import type { AgentRun } from './run-events.js';
import { openCalls, pendingOutcome } from './run-outcome.js';
import { wordsOf } from '../../content/body.js';

const REPLAYED_PAIRS = 100;
const SEQ_MAX = 2 ** 31 - 1;

/** Conversations as threads of AG-UI: the list, what was said, and a run that only tells that. */
@Injectable()
export class AguiThreads {
  constructor(
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly answers: Answers,
    private readonly clientChats: ClientChatsService,
    private readonly files: ClientFiles,
  ) {}

  async list(accountId: string, query: ListThreadsQuery): Promise<AguiThreadsDto> {
    const { items, nextCursor } = await this.chats.list(accountId, query);
    const names = await this.clientChats.namesOf(
      accountId,
      items.map(({ chat_id }) => chat_id),
    );
    const threads = items.map(({ chat_id: chatId, name, archived, created_at, updated_at }) => ({
      id: names.get(chatId) ?? chatId,
      ...{ chatId, name, archived },
      createdAt: new Date(created_at).toISOString(),
      updatedAt: new Date(updated_at).toISOString(),
    }));
    return { threads, nextCursor };
  }

  /** Messages of the active branch, for `exactJson`. @throws chat_not_found, content_unavailable */
  async history(
    accountId: string,
    threadId: string,
    { limit, before }: ThreadMessagesQuery,
  ): Promise<AguiHistoryDto> {
    const rootChatId = await this.clientChats.find(accountId, threadId);
    const chatId = await this.chats.activeOf(accountId, rootChatId);
    const anchor = before && {
      before: decodeNumberCursor(before, rootChatId, 'before', SEQ_MAX),
    };
    const { pairs } = await this.paths.page(accountId, chatId, limit, anchor || undefined);
    const state = stateOf(pairs);
    const first = pairs[0]?.seq ?? 1;
    return {
      ...{ threadId, chatId },
      messages: messagesOf(pairs, await this.urlsIn(accountId, pairs)),
      ...(state !== undefined && { state }),
      previousCursor: first > 1 ? encodeCursor(rootChatId, first) : null,
    };
  }

  /**
   * A run that says nothing: the newest messages and the state of the active branch, then the
   * answer that is being written, from its beginning. A thread that nobody has is empty, and is not
   * made. @throws content_unavailable
   */
  async replay(accountId: string, { threadId, runId }: RunAgentInputDto): Promise<AgentRun> {
    const ids = { threadId, runId };
    const urlsOf = this.urlsOf(accountId);
    const rootChatId = await this.clientChats.findLiving(accountId, threadId);
    if (rootChatId === null) return { ...ids, messages: [], events: null, urlsOf };
    const answer = await this.answers.runningInTree(accountId, rootChatId);
    const chatId = await this.chats.activeOf(accountId, rootChatId);
    const { pairs } = await this.paths.page(accountId, chatId, REPLAYED_PAIRS);
    const running = pairs.some(({ responseId }) => responseId === answer?.responseId)
      ? answer
      : null;
    const urlOf = await this.urlsIn(accountId, pairs);
    return {
      ...ids,
      messages: messagesOf(pairs, urlOf, running?.responseId),
      state: stateOf(pairs),
      events: running?.events() ?? null,
      outcome: { outcome: waitingOf(pairs.at(-1)) },
      urlsOf,
    };
  }

  /** Ends the answer that is being written; its `response_id`, or null. @throws chat_not_found */
  async stop(accountId: string, threadId: string): Promise<string | null> {
    const rootChatId = await this.clientChats.find(accountId, threadId);
    const answer = await this.answers.runningInTree(accountId, rootChatId);
    await answer?.stop();
    return answer?.responseId ?? null;
  }

  urlsOf(accountId: string): AgentRun['urlsOf'] {
    return (files) => this.files.urlsOf(accountId, files);
  }

  private urlsIn(accountId: string, pairs: readonly Pair[]) {
    return this.files.urlsOf(accountId, pairs.map(partsOfPair).flatMap(filesIn));
  }
}

/** What the newest pair waits for. */
function waitingOf(pair: Pair | undefined): object {
  if (!pair || pair.status !== 'complete') return { type: 'success' };
  const { settings } = wordsOf(pair.body);
  return pendingOutcome(openCalls(partsOfPair(pair).answered), settings);
}
