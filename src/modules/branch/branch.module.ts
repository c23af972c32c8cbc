import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { BranchVerbsController } from './branch-verbs.controller.js';
import { BranchController } from './branch.controller.js';
import { BranchService } from './branch.service.js';
import { CompareService } from './compare.service.js';

@Module({
  imports: [ChatModule],
  controllers: [BranchVerbsController, BranchController],
  providers: [BranchService, CompareService],
  exports: [BranchService, CompareService],
})
export class BranchModule {}
