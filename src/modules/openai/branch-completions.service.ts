import { Injectable } from '@nestjs/common';
import { isUuid } from '../../common/ids.js';
import { openAiError } from '../../common/openai-error.js';
import { invalidField } from '../../common/problems.js';
import { readPair } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { LanguageModel } from '../../llm/language-model.js';
import { isGrowing } from '../../tree/part-pieces.js';
import type { AnswerEvent, AnswerStream } from '../answer/answer.js';
import { type Post, PostService } from '../answer/post.service.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { sentEvent } from '../../runtime/event-stream.js';
import { branchNameFault, instructionsIn, itemsOfMessages } from './chat-messages.js';
import { settingsOf } from './completion-settings.js';
import { Chunks, completionOf, type Head } from './completion-wire.js';
import { failureOf, modelProblem } from './model-problem.js';
import type { ChatCompletionDto, CreateChatCompletionDto } from './openai.dto.js';
import { branchToolsFault, branchWordsFault } from './own-words.js';
import { partsOf } from './part-items.js';
import { ResponseInputs } from './response-inputs.service.js';
import { assertChoice } from './tool-fields.js';
import { turnsOf } from './turns.js';

const NO_USAGE = { input_tokens: 0, output_tokens: 0 };
/** Of a completion that a provider alone would be told. */
const UNTOLD = ['user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'] as const;

/** A chat completion that goes on in a branch. */
export interface BranchCompletion {
  accountId: string;
  /** The header `X-Branch-Id`. */
  branchId: string;
  body: CreateChatCompletionDto;
  idempotent: IdempotentRequest | null;
}

/**
 * OpenAI's chat completions with state: the last message (or what tools gave, the last ones) is
 * posted to a branch, whose own path is the context. The messages before it are not looked at, but
 * for what systems and developers say. The name of who asks is the author of the pair.
 */
@Injectable()
export class BranchCompletions {
  constructor(
    private readonly posts: PostService,
    private readonly model: LanguageModel,
    private readonly inputs: ResponseInputs,
  ) {}

  /**
   * @throws 422; chat_not_found, model_not_found, what `PostService.post` throws, and the failure
   * of the model
   */
  async complete(asked: BranchCompletion): Promise<ChatCompletionDto> {
    const { post, model } = await this.prepare(asked);
    const { json } = await (await this.posts.post(post)).whole();
    const pair = readPair<QaPairDto>(json);
    const failure = failureOf(pair, true);
    if (failure) throw failure;
    const created = Math.floor(Date.parse(pair.timestamp) / 1000);
    const head = { ...headOf(pair.response_id, model), created };
    const parts = partsOf(pair.response_parts, pair.response);
    return completionOf(head, parts, pair.usage?.finish_reason ?? 'stop', pair.usage ?? NO_USAGE);
  }

  /**
   * The same as server-sent events; they go on to be made when the client leaves. @throws like
   * `complete`, but for the model's failure
   */
  async stream(asked: BranchCompletion): Promise<AsyncIterable<string>> {
    const { post, model } = await this.prepare(asked);
    return framesOf(
      (await this.posts.post(post)).events(),
      model,
      asked.body.stream_options?.include_usage === true,
    );
  }

  /** Everything that may be refused is looked at before anything is stored. */
  private async prepare({
    accountId,
    branchId,
    body,
    idempotent,
  }: BranchCompletion): Promise<{ post: Post; model: string }> {
    if (!isUuid(branchId)) throw invalidField('X-Branch-Id', 'must be the id of a chat');
    const last = turnsOf(itemsOfMessages(body.messages)).at(-1)!;
    const question = last.question.filter(({ type }) => type !== 'instruction');
    if (last.response.length > 0 || question.length === 0)
      throw invalidField(
        'messages',
        'must end with a message of the user or of a tool: that is what is answered',
      );
    assertKept(body);
    const model = this.modelOf(body.model);
    const instructions = instructionsIn(body.messages);
    const settings = {
      ...settingsOf(body),
      ...(instructions && { instructions }),
      ...(body.more && { more: body.more }),
    };
    assertChoice(settings);
    const [turn] = await this.inputs.kept(accountId, [{ ...last, question }], 'messages');
    const post = {
      ...{ accountId, key: idempotent, model, settings: { ...settings, ...keptOf(body) } },
      ...{ chatId: branchId.toLowerCase(), toActive: false },
      body: {
        question_parts: turn!.question,
        metadata: body.metadata ?? null,
        author: last.author ?? null,
      },
    };
    return { post, model };
  }

  private modelOf(name: string): string {
    try {
      return this.model.find(name).id;
    } catch (error) {
      throw modelProblem(error);
    }
  }
}

/** @throws 422 for what a branch keeps nowhere */
function assertKept({ messages, tools }: CreateChatCompletionDto): void {
  const fault = branchNameFault(messages) ?? branchWordsFault(messages);
  if (fault) throw invalidField('messages', fault);
  const ofTools = branchToolsFault(tools);
  if (ofTools) throw invalidField('tools', ofTools);
}

const keptOf = (body: CreateChatCompletionDto): object =>
  Object.fromEntries(
    UNTOLD.filter((field) => body[field] != null).map((field) => [field, body[field]]),
  );

const headOf = (responseId: string, model: string): Head => ({
  id: `chatcmpl-${responseId}`,
  created: Math.floor(Date.now() / 1000),
  model,
});

async function* framesOf(
  answer: AnswerStream,
  model: string,
  withUsage: boolean,
): AsyncGenerator<string> {
  let chunks: Chunks | null = null;
  for await (const event of answer) {
    if (event.type === 'accepted') {
      chunks = new Chunks(headOf(event.responseId, model), withUsage);
      yield chunks.begin();
    } else yield frameOf(chunks!, event);
  }
}

function frameOf(chunks: Chunks, event: Exclude<AnswerEvent, { type: 'accepted' }>): string {
  if (event.type === 'delta') return chunks.delta(event.delta);
  if (event.type !== 'part') return endOf(chunks, readPair<QaPairDto>(event.json));
  const { part } = event;
  // All else that is whole is told at the end.
  if (!isGrowing(part)) return part.type === 'tool_call' ? chunks.whole(part) : '';
  return part.type === 'reasoning'
    ? chunks.thought(part.delta)
    : chunks.call(part.call_id, part.name, part.delta);
}

function endOf(chunks: Chunks, pair: QaPairDto): string {
  const failure = failureOf(pair, true);
  if (failure) return sentEvent(JSON.stringify(openAiError(failure)));
  const rest = chunks.rest(partsOf(pair.response_parts, pair.response));
  return rest + chunks.end(pair.usage?.finish_reason ?? 'stop', pair.usage ?? NO_USAGE);
}
