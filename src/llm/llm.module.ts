import { Global, Module } from '@nestjs/common';
import { LanguageModel } from './language-model.js';
import { OfflineModel } from './offline-model.js';

@Global()
@Module({ providers: [{ provide: LanguageModel, useClass: OfflineModel }], exports: [LanguageModel] })
export class LlmModule {}
