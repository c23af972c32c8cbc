import { Injectable } from '@nestjs/common';
import { PostService } from '../answer/post.service.js';
import { CreateBranchByBodyDto } from '../branch/branch.dto.js';
import { ForkService } from '../chat/fork.service.js';
import { MergeService } from '../merge/merge.service.js';
import { AddMessageByBodyDto } from '../message/message.dto.js';
import { MergeInput, readInput, type ToolHandler } from './tool-input.js';

/** Tools that add to what is there. */
@Injectable()
export class WritingTools {
  constructor(
    private readonly posts: PostService,
    private readonly forks: ForkService,
    private readonly merges: MergeService,
  ) {}

  readonly handlers: Readonly<Record<string, ToolHandler>> = {
    append_message: async (tool, call) => {
      const { chat_id: chatId, ...body } = readInput(AddMessageByBodyDto, tool, call);
      const { accountId, key } = call;
      const answer = await this.posts.post({ accountId, chatId, toActive: false, key, body });
      return (await answer.whole()).json;
    },
    create_branch: (tool, call) => {
      const { chat_id: chatId, ...branch } = readInput(CreateBranchByBodyDto, tool, call);
      return this.forks.make(call.accountId, chatId, call.key, branch);
    },
    merge_branch: (tool, call) => {
      const { chat_id: chatId, ...body } = readInput(MergeInput, tool, call);
      const { accountId, key } = call;
      return this.merges.merge({ accountId, chatId, key, body });
    },
  };
}
