import { Logger } from '@nestjs/common';
import { Outage } from '../runtime/outage.js';
import { Redis } from '../runtime/redis.js';
import { Channel } from './channel.js';

const NAME = 'banyan:events';

/** Between instances that share a Redis (`REDIS_URL`). */
export class RedisChannel extends Channel {
  override readonly charsMax = 65_536;
  private readonly redis: Redis;

  constructor(url: string) {
    super();
    this.redis = new Redis(
      url,
      new Outage((cause) =>
        new Logger('Events').warn({ message: 'Redis is away; events come late', cause }),
      ),
    );
  }

  override async send(message: string): Promise<void> {
    await this.redis.ask((client) => client.publish(NAME, message));
  }

  override listen(hear: (message: string) => void): void {
    this.redis.listen(NAME, hear);
  }

  override close(): Promise<void> {
    this.redis.close();
    return Promise.resolve();
  }
}
