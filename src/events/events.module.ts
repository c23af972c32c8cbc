import { Global, Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { Channel } from './channel.js';
import { EventDispatcher } from './event-dispatcher.js';
import { PostgresChannel } from './postgres-channel.js';
import { WakeUps } from './wake-ups.js';

/** Redis where there is one, else PostgreSQL. */
async function channel({ REDIS_URL, DATABASE_URL }: Config, database: Database): Promise<Channel> {
  if (!REDIS_URL) return new PostgresChannel(DATABASE_URL!, database);
  const { RedisChannel } = await import('./redis-channel.js');
  return new RedisChannel(REDIS_URL);
}

/** The outbox of changes, and who is told of them. */
@Global()
@Module({
  providers: [
    { provide: Channel, useFactory: channel, inject: [Config, Database] },
    WakeUps,
    EventDispatcher,
  ],
  exports: [EventDispatcher, WakeUps],
})
export class EventsModule {}
