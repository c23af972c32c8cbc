import { Injectable, Logger } from '@nestjs/common';
import { openAiError } from '../../common/openai-error.js';
import { invalidField, Problem, problems } from '../../common/problems.js';
import { requestOf } from '../../llm/settings.js';
import { sentEvent } from '../../runtime/event-stream.js';
import { itemsOfMessages } from './chat-messages.js';
import { furtherOf, settingsOf } from './completion-settings.js';
import { Chunks, completionOf, type Head, newHead } from './completion-wire.js';
import { type Begun, DirectAnswers } from './direct-answers.service.js';
import { HeardParts } from './heard-parts.js';
import { modelProblem } from './model-problem.js';
import { ownTools, ownWords } from './own-words.js';
import type { ChatCompletionDto, CreateChatCompletionDto } from './openai.dto.js';
import { PartFiles } from './part-files.service.js';
import { assertChoice } from './tool-fields.js';
import { assertResults, toldByClient, turnsOf } from './turns.js';

/** An answer that has begun. */
interface BegunCompletion extends Pick<Begun, 'parts'> {
  head: Head;
}

/**
 * OpenAI's chat completions without state: the context is what the client sends, and nothing is
 * kept. What a model is told of it is made as of a path (`messagesOf`), but for messages with
 * something in them that only its provider knows: they go to it as they are.
 */
@Injectable()
export class CompletionsService {
  private readonly logger = new Logger(CompletionsService.name);

  constructor(
    private readonly answers: DirectAnswers,
    private readonly files: PartFiles,
  ) {}

  /** The whole answer. @param signal aborts when the client has gone @throws Problem */
  async complete(
    accountId: string,
    body: CreateChatCompletionDto,
    signal: AbortSignal,
  ): Promise<ChatCompletionDto> {
    const { head, parts } = await this.begin(accountId, body, signal);
    const heard = new HeardParts();
    try {
      for await (const part of parts) heard.add(part);
    } catch (error) {
      throw modelProblem(error);
    }
    const { end } = heard;
    if (!end) throw problems.modelFailed();
    return completionOf(head, heard.parts, end.finishReason, end.usage);
  }

  /**
   * The answer as server-sent events, of which the first is there before the model says anything.
   * A failure of the model is an event, at which OpenAI's clients throw.
   * @throws Problem for what can be known before the model is asked
   */
  async stream(
    accountId: string,
    body: CreateChatCompletionDto,
    signal: AbortSignal,
  ): Promise<AsyncIterable<string>> {
    const begun = await this.begin(accountId, body, signal);
    return this.chunksOf(begun, body.stream_options?.include_usage === true);
  }

  private async *chunksOf(
    { head, parts }: BegunCompletion,
    withUsage: boolean,
  ): AsyncGenerator<string> {
    const chunks = new Chunks(head, withUsage);
    yield WAIT + chunks.begin();
    try {
      for await (const part of parts) {
        if (part.type === 'end') yield chunks.end(part.finishReason, part.usage);
        else if (part.type === 'delta') yield chunks.delta(part.text);
        else if (part.type === 'reasoning') yield chunks.thought(part.text);
        else if (part.type === 'tool_input') yield chunks.call(part.call_id, part.name, part.delta);
        else yield chunks.whole(part.part);
      }
    } catch (error) {
      yield sentEvent(JSON.stringify(openAiError(this.problemOf(error))));
    }
  }

  private problemOf(error: unknown): Problem {
    const problem = modelProblem(error);
    if (problem instanceof Problem) return problem;
    this.logger.error({
      message: 'an answer broke off',
      cause: error instanceof Error ? error.stack : String(error),
    });
    return problems.internal();
  }

  private async begin(
    accountId: string,
    body: CreateChatCompletionDto,
    signal: AbortSignal,
  ): Promise<BegunCompletion> {
    const settings = settingsOf(body);
    assertChoice(settings);
    const turns = turnsOf(itemsOfMessages(body.messages));
    if (turns.at(-1)!.response.length > 0) throw invalidField('messages', ENDS);
    assertResults(turns, 'messages');
    const found = await this.files.find(accountId, turns, 'messages');
    const asked = requestOf(settings);
    const own = { messages: ownWords(body.messages), tools: ownTools(body.tools, asked.tools) };
    const request = {
      ...asked,
      more: {
        ...furtherOf(body),
        ...(own.messages && { messages: own.messages }),
        ...(own.tools && { tools: own.tools }),
      },
      model: body.model,
      messages: toldByClient(null, found),
    };
    const { model, parts } = await this.answers.begin(accountId, request, 'messages', signal);
    return { head: newHead(model), parts };
  }
}

/** A comment: whoever waits for the model has the headers, and something to read. */
const WAIT = ': wait\n\n';
const ENDS = 'must end with a message of the user or of a tool: that is what is answered';
