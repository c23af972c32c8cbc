import { Injectable } from '@nestjs/common';
import { newId } from '../../common/ids.js';
import { invalidField, problems } from '../../common/problems.js';
import { MESSAGE_TOKENS } from '../../llm/context-window.js';
import { LanguageModel, type ModelInfo } from '../../llm/language-model.js';
import { countedText, fileTokensOf } from '../../llm/message-size.js';
import { messagesOf } from '../../llm/telling.js';
import { TokenCounter } from '../../llm/token-counter.js';
import { compacted } from './compaction.js';
import { DirectAnswers } from './direct-answers.service.js';
import { HeardParts } from './heard-parts.js';
import type { Input } from './input-items.js';
import { modelProblem } from './model-problem.js';
import { PathTurns } from './path-turns.service.js';
import type {
  CompactionDto,
  CompactResponseDto,
  CountInputTokensDto,
  InputTokensDto,
} from './response-help.dto.js';
import { ResponseInputs } from './response-inputs.service.js';
import { usageOf } from './response-wire.js';
import { toldOf, type Turn } from './turns.js';

const ASK_FOR_SUMMARY =
  'Shorten the conversation so far, so that another assistant can go on with it and nothing that matters is lost: what was asked for, what was found and decided, names, numbers, code and open questions. Answer with the summary alone.';
const SUMMARY = 'Summary of the conversation so far:\n\n';

/** What a path that a request names is worth: in tokens, and in short. */
@Injectable()
export class ResponseHelp {
  constructor(
    private readonly inputs: ResponseInputs,
    private readonly paths: PathTurns,
    private readonly model: LanguageModel,
    private readonly tokens: TokenCounter,
    private readonly answers: DirectAnswers,
  ) {}

  /**
   * How many tokens a response would read, by our own count. @throws 422; model_not_found,
   * chat_not_found, previous_response_not_found, content_unavailable
   */
  async count(accountId: string, body: CountInputTokensDto): Promise<InputTokensDto> {
    const info = this.infoOf(body.model ?? null);
    const turns = await this.turnsOf(accountId, body, info);
    const messages = messagesOf(body.instructions ?? null, turns.map(toldOf));
    const tools = (body.tools ?? []).map((tool) => JSON.stringify(tool));
    const format =
      body.text?.format?.type === 'json_schema' ? [JSON.stringify(body.text.format)] : [];
    const texts = [...messages.map(countedText), ...tools, ...format];
    const counts = (await this.tokens.count(texts)) ?? texts.map((text) => Buffer.byteLength(text));
    const files = messages.reduce((sum, message) => sum + fileTokensOf(message), 0);
    const words = counts.reduce((sum, one) => sum + one, 0);
    const input_tokens = words + files + messages.length * MESSAGE_TOKENS;
    return { object: 'response.input_tokens', input_tokens };
  }

  /** Has a model make a conversation short. Nothing of it is kept. @throws like `count` */
  async compact(
    accountId: string,
    body: CompactResponseDto,
    signal: AbortSignal,
  ): Promise<CompactionDto> {
    const info = this.infoOf(body.model);
    const turns = await this.turnsOf(accountId, body, info);
    if (turns.length === 0)
      throw invalidField('input', 'must say what to make short, unless previous_response_id does');
    const ask = { question: [{ type: 'text' as const, text: ASK_FOR_SUMMARY }], response: [] };
    const told = [...turns, { ...ask, known: null }].map(toldOf);
    const messages = messagesOf(body.instructions ?? null, told);
    const asked = { model: info.id, messages };
    const { parts } = await this.answers.begin(accountId, asked, 'input', signal);
    const heard = new HeardParts();
    try {
      for await (const part of parts) heard.add(part);
    } catch (error) {
      throw modelProblem(error);
    }
    if (!heard.end) throw problems.modelFailed();
    const summary = heard.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
    return compactionOf(turns, summary, usageOf(heard.end.usage));
  }

  private async turnsOf(
    accountId: string,
    body: { input?: Input | null } & Parameters<ResponseInputs['targetOf']>[1],
    info: ModelInfo,
  ): Promise<Turn[]> {
    const target = await this.inputs.targetOf(accountId, body);
    const before = target ? await this.paths.upTo(accountId, target, info.contextTokens) : [];
    const turns = body.input == null ? [] : await this.inputs.turns(accountId, body.input);
    return [...before, ...turns];
  }

  private infoOf(name: string | null): ModelInfo {
    try {
      return this.model.find(name);
    } catch (error) {
      throw modelProblem(error);
    }
  }
}

function compactionOf(
  turns: readonly Turn[],
  summary: string,
  usage: CompactionDto['usage'],
): CompactionDto {
  // Ids of their own: what is made short goes on nowhere else.
  const idOf = (prefix: string): string => `${prefix}_${newId().replaceAll('-', '')}`;
  const asked = turns.flatMap(({ question }) => question.filter((part) => part.type === 'text'));
  return {
    id: idOf('resp'),
    object: 'response.compaction',
    created_at: Math.floor(Date.now() / 1000),
    output: [
      ...asked.map(({ text }) => ({
        ...{ type: 'message', id: idOf('msg'), role: 'user', status: 'completed' },
        content: [{ type: 'input_text', text }],
      })),
      { type: 'compaction', id: idOf('cmp'), encrypted_content: compacted(SUMMARY + summary) },
    ],
    usage,
  };
}
