import { Inject, Logger, Module, type OnModuleDestroy } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Config } from '../config/config.js';
import { Outage } from '../runtime/outage.js';
import { AnswerStore, MemoryAnswers, RedisAnswers } from './answer-store.js';
import { ReadCache } from './read-cache.js';
import { ReadCacheInterceptor } from './read-cache.interceptor.js';
import { Validators } from './validators.js';

async function answerStore({ REDIS_URL, CACHE_MAX_MB, CACHE_TTL_SECONDS }: Config): Promise<AnswerStore> {
  if (!REDIS_URL) return new MemoryAnswers({ megabytes: CACHE_MAX_MB, ttlSeconds: CACHE_TTL_SECONDS });
  const logger = new Logger('Cache');
  const { Redis } = await import('../runtime/redis.js');
  const outage = new Outage((cause) => logger.warn({ message: 'Redis is away; answers are made anew', cause }));
  return new RedisAnswers(new Redis(REDIS_URL, outage), CACHE_TTL_SECONDS);
}

/** The cache of read answers: in memory, or in Redis where one is configured. */
@Module({
  providers: [
    { provide: AnswerStore, inject: [Config], useFactory: answerStore },
    Validators,
    ReadCache,
    { provide: APP_INTERCEPTOR, useClass: ReadCacheInterceptor },
  ],
})
export class CacheModule implements OnModuleDestroy {
  constructor(@Inject(AnswerStore) private readonly answers: AnswerStore) {}

  onModuleDestroy(): void {
    this.answers.close();
  }
}
