import { Module } from '@nestjs/common';
import { UpgradesModule } from '../../common/upgrades.js';
import { Config } from '../../config/config.js';
import { Idempotency } from '../../database/idempotency.js';
import { AuthModule } from '../auth/auth.module.js';
import { ChatSessionsController } from './chat-sessions.controller.js';
import { ChatSessionsService } from './chat-sessions.service.js';
import { MemorySessionStore } from './memory-session-store.js';
import { MemorySessionsController } from './memory-sessions.controller.js';
import { MemorySessionsService } from './memory-sessions.service.js';
import { PostKeys, ProcessKeys } from './post-keys.js';
import { SessionNumbersService } from './session-numbers.service.js';
import { SessionSockets } from './session-sockets.js';
import { SessionStore } from './session-store.js';

const sessionStore = {
  provide: SessionStore,
  inject: [Config],
  useFactory: async ({
    REDIS_URL: url,
    CHAT_SESSION_TTL_SECONDS: ttlSeconds,
  }: Config): Promise<SessionStore> => {
    if (!url) return new MemorySessionStore({ ttlSeconds });
    const { RedisSessionStore } = await import('./redis-session-store.js');
    return RedisSessionStore.open(url, ttlSeconds);
  },
};

const postKeys = {
  provide: PostKeys,
  inject: [Config, Idempotency],
  useFactory: ({ REDIS_URL: url }: Config, idempotency: Idempotency): PostKeys =>
    url ? idempotency : new ProcessKeys(),
};

/**
 * Two facades: numbered sessions in the memory of this process, and sessions by name, in Redis
 * where there is one.
 */
@Module({
  imports: [AuthModule, UpgradesModule],
  controllers: [MemorySessionsController, ChatSessionsController],
  providers: [
    sessionStore,
    postKeys,
    SessionNumbersService,
    MemorySessionsService,
    ChatSessionsService,
    SessionSockets,
  ],
})
export class SessionModule {}
