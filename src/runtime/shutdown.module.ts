import {
  type DynamicModule,
  Injectable,
  Logger,
  Module,
  type OnModuleDestroy,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { Shutdown, ShutdownTimes, type ShutdownStage } from './shutdown.js';

const CLOSES_AT = 'banyan:closes-at';

type Method = [stage: ShutdownStage, name: string];

/**
 * Has this method of a provider called when the server stops, at that stage. It is called also
 * where the start has failed half-way, and given what is left of the drain time, in milliseconds.
 */
export const ClosesAt =
  (stage: ShutdownStage) =>
  (prototype: object, name: string): void => {
    const methods = methodsOf(prototype);
    Reflect.defineMetadata(CLOSES_AT, [...methods, [stage, name]], prototype);
  };

const methodsOf = (object: object): readonly Method[] =>
  (Reflect.getMetadata(CLOSES_AT, object) as Method[] | undefined) ?? [];

/** The only hook of Nest's for the stop: those of Nest have no order that anybody wrote down. */
@Injectable()
class ShutdownHook implements OnModuleDestroy {
  private readonly logger = new Logger('Shutdown');

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly times: ShutdownTimes,
  ) {}

  // eslint-disable-next-line no-restricted-syntax -- the one of all
  onModuleDestroy(): Promise<void> {
    const shutdown = new Shutdown(this.times, (failure) =>
      this.logger.warn({ message: 'not closed in order, and left behind', ...failure }),
    );
    for (const instance of this.instances())
      for (const [stage, name] of methodsOf(instance)) {
        const what = `${instance.constructor.name}.${name}`;
        const methods = instance as Record<string, (drainMs: number) => unknown>;
        shutdown.at(stage, what, (drainMs) => methods[name]!(drainMs));
      }
    return shutdown.run();
  }

  private instances(): Set<object> {
    const all = this.discovery.getProviders().map(({ instance }): unknown => instance);
    return new Set(all.filter((one) => typeof one === 'object' && one !== null));
  }
}

/** Closes what says that it has to be closed (`ClosesAt`). */
@Module({})
export class ShutdownModule {
  static forRoot(times: ShutdownTimes): DynamicModule {
    return {
      module: ShutdownModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [{ provide: ShutdownTimes, useValue: times }, ShutdownHook],
      exports: [ShutdownTimes],
    };
  }
}
