import { Module } from '@nestjs/common';
import { UpgradesModule } from '../../common/upgrades.js';
import { AuthModule } from '../auth/auth.module.js';
import { ChatModule } from '../chat/chat.module.js';
import { FileModule } from '../file/file.module.js';
import { TransferModule } from '../transfer/transfer.module.js';
import { AccountEventReader } from './account-event.reader.js';
import { AccountFeeds } from './account-feeds.service.js';
import { EventReader } from './event.reader.js';
import { EventsController } from './events.controller.js';
import { FeedsService } from './feeds.service.js';
import { SocketsGateway } from './sockets.gateway.js';
import { StreamsService } from './streams.service.js';

/** Changes as they happen: to sockets, and as server-sent events. */
@Module({
  imports: [AuthModule, ChatModule, FileModule, TransferModule, UpgradesModule],
  controllers: [EventsController],
  providers: [
    AccountEventReader,
    AccountFeeds,
    EventReader,
    FeedsService,
    SocketsGateway,
    StreamsService,
  ],
})
export class RealtimeModule {}
