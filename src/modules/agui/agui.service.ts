import { Injectable } from '@nestjs/common';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { ChatService } from '../chat/chat.service.js';
import { ClientChatsService } from '../client-chat/client-chats.service.js';
import { AguiRuns } from './agui-runs.service.js';
import { AguiThreads } from './agui-threads.service.js';
import type { RunAgentInputDto } from './agui.dto.js';
import { type AguiEvent, idsOf } from './agui-message.js';
import type { AgentRun } from './run-events.js';
import type { PreparedTurn } from './again.service.js';
import { modelOf, settingsOf } from './run-settings.js';
import { contentOfResult } from './tool-content.js';

/**
 * Runs of AG-UI over ordinary chats: a run is a post, or an answer made anew. Answers are tasks of
 * their own: a client that leaves ends none.
 */
@Injectable()
export class AguiService {
  constructor(
    private readonly clientChats: ClientChatsService,
    private readonly chats: ChatService,
    private readonly runs: AguiRuns,
    private readonly threads: AguiThreads,
  ) {}

  /** @param agent the model that answers; null = that of the chat @throws what `begin` does */
  async run(
    accountId: string,
    body: RunAgentInputDto,
    agent: string | null,
    key: IdempotentRequest | null,
  ): Promise<AgentRun> {
    const { threadId, runId, parentRunId } = body;
    const model = modelOf(body) ?? agent ?? undefined;
    // What is wrong with them is told before the chat is made.
    settingsOf(body, null);
    const turn = await this.runs.prepare(accountId, body);
    const rootChatId = await this.clientChats.findOrMake(accountId, threadId);
    const settings = settingsOf(body, await this.systemPromptOf(accountId, rootChatId, body));
    const place = { accountId, rootChatId, key };
    const begun = await this.runs.begin(place, turn, { model, settings }, body.messages);
    const urlsOf = this.threads.urlsOf(accountId);
    return { threadId, runId, parentRunId, resultsOf: resumedIn(turn, body), urlsOf, ...begun };
  }

  /** Needed only where the run is told something besides. */
  private async systemPromptOf(
    accountId: string,
    rootChatId: string,
    { context }: RunAgentInputDto,
  ): Promise<string | null> {
    if (!context || context.length === 0) return null;
    const chatId = await this.chats.activeOf(accountId, rootChatId);
    return (await this.chats.get(accountId, chatId)).system_prompt;
  }
}

/** Answers to interrupts, as the messages that they are from now on. */
function resumedIn({ units }: PreparedTurn, { resume }: RunAgentInputDto): AgentRun['resultsOf'] {
  const ids = new Set((resume ?? []).map(({ interruptId }) => interruptId));
  const results = units[0]?.results ?? [];
  return (responseId) =>
    results.flatMap((result, at): AguiEvent[] => {
      const { call_id: toolCallId } = result;
      if (!ids.has(toolCallId)) return [];
      const messageId = idsOf(responseId).result(at);
      const content = contentOfResult(result, () => '');
      return [{ type: 'TOOL_CALL_RESULT', messageId, toolCallId, content }];
    });
}
