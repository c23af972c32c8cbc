import { newId } from '../../common/ids.js';
import type { FinishReason, Usage } from '../../llm/language-model.js';
import { sentEvent } from '../../runtime/event-stream.js';
import type { ChatCompletionDto, CompletionUsageDto } from './openai.dto.js';

/** What the answers to one request have in common. */
export interface Head {
  id: string;
  created: number;
  model: string;
}

export const newHead = (model: string): Head => ({
  id: `chatcmpl-${newId().replaceAll('-', '')}`,
  created: Math.floor(Date.now() / 1000),
  model,
});

export const completionOf = (
  { id, created, model }: Head,
  content: string,
  reason: FinishReason,
  usage: Usage,
): ChatCompletionDto => ({
  id,
  object: 'chat.completion',
  created,
  model,
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content, refusal: null },
      logprobs: null,
      finish_reason: reason,
    },
  ],
  usage: usageOf(usage),
});

/** OpenAI's server-sent events of one answer. */
export class Chunks {
  private readonly before: string;
  private readonly after: string;

  /**
   * @param withUsage whether the usage was asked for: a last chunk then has it, and all others say
   * null
   */
  constructor(
    head: Head,
    private readonly withUsage: boolean,
  ) {
    const { id, created, model } = head;
    // A chunk comes with every token: what is the same in all of them is made once.
    this.before = `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model }).slice(0, -1)},"choices":`;
    this.after = `${withUsage ? ',"usage":null' : ''}}\n\n`;
  }

  begin = (): string => this.chunk({ role: 'assistant', content: '', refusal: null }, null);

  delta = (text: string): string => this.chunk({ content: text }, null);

  end(reason: FinishReason, usage: Usage): string {
    const last = this.withUsage
      ? `${this.before}[],"usage":${JSON.stringify(usageOf(usage))}}\n\n`
      : '';
    return `${this.chunk({}, reason)}${last}${sentEvent('[DONE]')}`;
  }

  private chunk(delta: object, reason: FinishReason | null): string {
    return `${this.before}${JSON.stringify([{ index: 0, delta, logprobs: null, finish_reason: reason }])}${this.after}`;
  }
}

const usageOf = ({ input_tokens, output_tokens }: Usage): CompletionUsageDto => ({
  prompt_tokens: input_tokens,
  completion_tokens: output_tokens,
  total_tokens: input_tokens + output_tokens,
});
