import { type DynamicModule, Module } from '@nestjs/common';
import { Config } from './config.js';

/**
 * Gives the settings to every module: inject `Config`. They are loaded before Nest is, so that a
 * fault stops the start early and in plain words.
 */
@Module({})
export class ConfigModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: Config, useValue: config }],
      exports: [Config],
    };
  }
}
