import { Injectable } from '@nestjs/common';
import { BranchService } from '../branch/branch.service.js';
import { TreeByQuery } from '../branch/branch.dto.js';
import { CompareService } from '../branch/compare.service.js';
import { chatJson } from '../chat/chat.columns.js';
import { ListChatsQuery } from '../chat/chat.dto.js';
import { ChatService } from '../chat/chat.service.js';
import { MessagePageService } from '../message/message-page.service.js';
import { SearchQueryDto } from '../search/search.dto.js';
import { SearchService } from '../search/search.service.js';
import { CompareInput, ReadBranchInput, readInput, type ToolHandler } from './tool-input.js';
import { LIMIT } from './tools.js';

/** Tools that change nothing. */
@Injectable()
export class ReadingTools {
  constructor(
    private readonly searches: SearchService,
    private readonly chats: ChatService,
    private readonly pages: MessagePageService,
    private readonly branches: BranchService,
    private readonly comparison: CompareService,
  ) {}

  readonly handlers: Readonly<Record<string, ToolHandler>> = {
    search_chats: async (tool, call) => {
      const query = readInput(SearchQueryDto, tool, withLimit(call));
      return JSON.stringify(await this.searches.search(call.accountId, query));
    },
    list_chats: async (tool, call) => {
      const query = readInput(ListChatsQuery, tool, withLimit(call));
      const { items, nextCursor } = await this.chats.list(call.accountId, query);
      return `{"items":[${items.map(chatJson).join(',')}],"next_cursor":${JSON.stringify(nextCursor)}}`;
    },
    get_branch: async (tool, call) => {
      const { chat_id: chatId, ...query } = readInput(ReadBranchInput, tool, withLimit(call));
      const [chat, page] = await Promise.all([
        this.chats.get(call.accountId, chatId),
        this.pages.page(call.accountId, chatId, query),
      ]);
      return `{"chat":${chatJson(chat)},${page.json.slice(1)}`;
    },
    get_tree: async (tool, call) => {
      const { chat_id: chatId, ...query } = readInput(TreeByQuery, tool, call);
      return (await this.branches.page(call.accountId, chatId, query)).json.json;
    },
    compare_branches: (tool, call) => {
      const { chat_id: chatId, with: other } = readInput(CompareInput, tool, call);
      return this.comparison.compare(call.accountId, chatId, other);
    },
  };
}

const withLimit = <Call extends { arguments: object }>(call: Call): Call => ({
  ...call,
  arguments: { limit: LIMIT, ...call.arguments },
});
