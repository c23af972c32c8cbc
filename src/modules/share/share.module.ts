import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { ShareController } from './share.controller.js';
import { ShareService } from './share.service.js';

/** Links by which people without an account read a branch. */
@Module({
  imports: [ChatModule],
  controllers: [ShareController],
  providers: [ShareService],
})
export class ShareModule {}
