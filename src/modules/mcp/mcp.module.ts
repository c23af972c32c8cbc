import { Module } from '@nestjs/common';
import { AnswerModule } from '../answer/answer.module.js';
import { BranchModule } from '../branch/branch.module.js';
import { ChatModule } from '../chat/chat.module.js';
import { MergeModule } from '../merge/merge.module.js';
import { MessageModule } from '../message/message.module.js';
import { SearchModule } from '../search/search.module.js';
import { BranchResources } from './branch-resources.service.js';
import { McpController } from './mcp.controller.js';
import { McpService } from './mcp.service.js';
import { ReadingTools } from './reading-tools.service.js';
import { WritingTools } from './writing-tools.service.js';

/** The Model Context Protocol, for agents. */
@Module({
  imports: [ChatModule, BranchModule, MessageModule, AnswerModule, MergeModule, SearchModule],
  controllers: [McpController],
  providers: [McpService, BranchResources, ReadingTools, WritingTools],
})
export class McpModule {}
