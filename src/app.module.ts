import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { CacheModule } from './cache/cache.module.js';
import { ProblemFilter } from './common/problem.filter.js';
import { StrictInputGuard } from './common/strict-input.guard.js';
import { HttpClosing } from './common/http-closing.js';
import { UpgradesModule } from './common/upgrades.js';
import { DtoPipe } from './common/validation.pipe.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { ContentModule } from './content/content.module.js';
import { serverOptions } from './data-source.js';
import { DatabaseModule } from './database/database.module.js';
import { EventsModule } from './events/events.module.js';
import { FilesModule } from './files/files.module.js';
import { LlmModule } from './llm/llm.module.js';
import { AnswerModule } from './modules/answer/answer.module.js';
import { AguiModule } from './modules/agui/agui.module.js';
import { AiSdkModule } from './modules/aisdk/aisdk.module.js';
import { AuiModule } from './modules/aui/aui.module.js';
import { AuthModule } from './modules/auth/auth.module.js';
import { BranchModule } from './modules/branch/branch.module.js';
import { ChatModule } from './modules/chat/chat.module.js';
import { FileModule } from './modules/file/file.module.js';
import { FirstMessageModule } from './modules/first-message/first-message.module.js';
import { HealthModule } from './modules/health/health.module.js';
import { McpModule } from './modules/mcp/mcp.module.js';
import { MaintenanceModule } from './modules/maintenance/maintenance.module.js';
import { MessageModule } from './modules/message/message.module.js';
import { MergeModule } from './modules/merge/merge.module.js';
import { OpenAiModule } from './modules/openai/openai.module.js';
import { RedactionModule } from './modules/redaction/redaction.module.js';
import { RealtimeModule } from './modules/realtime/realtime.module.js';
import { SearchModule } from './modules/search/search.module.js';
import { SessionModule } from './modules/session/session.module.js';
import { ShareModule } from './modules/share/share.module.js';
import { SummaryModule } from './modules/summary/summary.module.js';
import { TransferModule } from './modules/transfer/transfer.module.js';
import { UsageModule } from './modules/usage/usage.module.js';
import { WebhookModule } from './modules/webhook/webhook.module.js';
import { ShutdownTimes } from './runtime/shutdown.js';
import { ShutdownModule } from './runtime/shutdown.module.js';

/**
 * What holds for every route, besides who may call it. Imported behind `AuthModule`: a stranger is
 * told 401 before anything else.
 */
@Module({
  providers: [
    HttpClosing,
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_GUARD, useClass: StrictInputGuard },
    { provide: APP_PIPE, useClass: DtoPipe },
  ],
})
class HttpRulesModule {}

const timesOf = ({ SHUTDOWN_DELAY_SECONDS, SHUTDOWN_TIMEOUT_SECONDS }: Config): ShutdownTimes =>
  new ShutdownTimes(SHUTDOWN_DELAY_SECONDS * 1000, SHUTDOWN_TIMEOUT_SECONDS * 1000);

/** The whole server. Guards run in the order of the imports. */
@Module({})
export class AppModule {
  static forRoot(config: Config & { DATABASE_URL: string }): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        ShutdownModule.forRoot(timesOf(config)),
        DatabaseModule.forRoot(serverOptions(config.DATABASE_URL, config.DATABASE_POOL_SIZE)),
        ContentModule,
        FilesModule,
        EventsModule,
        LlmModule,
        AuthModule,
        HttpRulesModule,
        CacheModule,
        UpgradesModule,
        ChatModule,
        BranchModule,
        FileModule,
        MessageModule,
        AnswerModule,
        RedactionModule,
        MergeModule,
        UsageModule,
        SummaryModule,
        SearchModule,
        ShareModule,
        RealtimeModule,
        FirstMessageModule,
        SessionModule,
        OpenAiModule,
        WebhookModule,
        TransferModule,
        AiSdkModule,
        McpModule,
        AguiModule,
        AuiModule,
        MaintenanceModule,
        HealthModule,
      ],
    };
  }
}
