import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSourceOptions } from 'typeorm';
import { Database } from './database.js';
import { Idempotency } from './idempotency.js';
import { StorePatience } from './store-patience.js';

/** PostgreSQL for every module. */
@Global()
@Module({})
export class DatabaseModule {
  static forRoot(options: DataSourceOptions): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [TypeOrmModule.forRoot({ ...options, retryAttempts: 1 })],
      providers: [Database, Idempotency, StorePatience],
      exports: [Database, Idempotency, StorePatience, TypeOrmModule],
    };
  }
}
