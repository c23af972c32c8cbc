import { newId } from '../../common/ids.js';
import { isObject } from '../../common/is-object.js';
import type { FinishReason } from '../../llm/language-model.js';
import { sentEvent } from '../../runtime/event-stream.js';
import type { Part, RefusalPart, ResponsePart, TextPart, ToolCallPart } from '../../tree/parts.js';
import type { AnswerUsage } from '../chat/message.entity.js';
import type {
  ChatCompletionDto,
  CompletionCallDto,
  CompletionMessageDto,
  CompletionUsageDto,
} from './openai.dto.js';
import { argumentsOf } from './part-items.js';

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
  parts: readonly ResponsePart[],
  reason: FinishReason,
  usage: AnswerUsage,
): ChatCompletionDto => ({
  id,
  object: 'chat.completion',
  created,
  model,
  choices: [
    { index: 0, message: messageOf(parts), logprobs: null, finish_reason: reasonOf(reason) },
  ],
  usage: usageOf(usage),
});

const ofType = <Type extends Part['type']>(parts: readonly Part[], type: Type) =>
  parts.filter((part): part is Extract<Part, { type: Type }> => part.type === type);
const joined = (parts: readonly (TextPart | RefusalPart)[]): string | null =>
  parts.length === 0 ? null : parts.map(({ text }) => text).join('');

function messageOf(parts: readonly ResponsePart[]): CompletionMessageDto {
  const calls = ofType(parts, 'tool_call');
  const thought = ofType(parts, 'reasoning')
    .map(({ text }) => text)
    .join('');
  const details = detailsOf(parts);
  const signatures = signaturesOf(parts);
  const content = joined(ofType(parts, 'text'));
  return {
    role: 'assistant',
    content: content ?? (calls.length > 0 ? null : ''),
    refusal: joined(ofType(parts, 'refusal')),
    ...(thought && { reasoning_content: thought }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(calls.length > 0 && { tool_calls: calls.map((call) => callOf(call, signatures)) }),
  };
}

/** What only a provider can read of thoughts. */
export function detailsOf(parts: readonly ResponsePart[]): object[] {
  return ofType(parts, 'reasoning').flatMap(({ opaque }) => {
    const details = isObject(opaque) ? opaque['reasoning_details'] : null;
    return Array.isArray(details) ? details.filter(isObject) : [];
  });
}

/** What Google's models want back with the calls that they made, by the ids of these. */
function signaturesOf(parts: readonly ResponsePart[]): ReadonlyMap<string, string> {
  const signed = ofType(parts, 'reasoning').flatMap(({ opaque }) => {
    const signatures = isObject(opaque) ? opaque['thought_signatures'] : null;
    return isObject(signatures) ? Object.entries(signatures) : [];
  });
  return new Map(signed.filter((one): one is [string, string] => typeof one[1] === 'string'));
}

const signedBy = (signature: string): Pick<CompletionCallDto, 'extra_content'> => ({
  extra_content: { google: { thought_signature: signature } },
});

function callOf(
  { call_id: id, name, input }: ToolCallPart,
  signatures: ReadonlyMap<string, string>,
): CompletionCallDto {
  const signature = signatures.get(id);
  return {
    ...{ id, type: 'function', function: { name, arguments: argumentsOf(input) } },
    ...(signature !== undefined && signedBy(signature)),
  };
}

/** Where the provider says another reason, the answer is not whole. */
const reasonOf = (reason: FinishReason): string =>
  reason === 'error' || reason === 'other' ? 'length' : reason;

/** OpenAI's server-sent events of one answer. */
export class Chunks {
  private readonly before: string;
  private readonly after: string;
  /** Calls that have begun, in their order, with how much of their input was told. */
  private readonly calls = new Map<string, { index: number; told: number }>();
  private text = 0;

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

  delta(content: string): string {
    this.text += content.length;
    return this.chunk({ content }, null);
  }

  thought = (text: string): string => this.chunk({ reasoning_content: text }, null);

  /** What is whole, as far as it was not told in pieces. */
  whole(part: ResponsePart): string {
    if (part.type === 'tool_call') return this.wholeCall(part);
    if (part.type === 'refusal') return this.chunk({ refusal: part.text }, null);
    const details = detailsOf([part]);
    const told = details.length > 0 ? this.chunk({ reasoning_details: details }, null) : '';
    return told + this.signed(part);
  }

  private signed(part: ResponsePart): string {
    const calls = [...signaturesOf([part])].flatMap(([id, signature]) => {
      const known = this.calls.get(id);
      return known ? [{ index: known.index, ...signedBy(signature) }] : [];
    });
    return calls.length > 0 ? this.chunk({ tool_calls: calls }, null) : '';
  }

  /** A further piece of the input of a call. */
  call(id: string, name: string, input: string): string {
    const known = this.calls.get(id);
    const { index } = known ?? { index: this.calls.size };
    this.calls.set(id, { index, told: (known?.told ?? 0) + input.length });
    const begun = known ? {} : { id, type: 'function' };
    const made = { ...(known ? {} : { name }), arguments: input };
    return this.chunk({ tool_calls: [{ index, ...begun, function: made }] }, null);
  }

  private wholeCall({ call_id: id, name, input }: ToolCallPart): string {
    return this.calls.get(id) ? '' : this.call(id, name, argumentsOf(input));
  }

  /** What of an answer was not told in pieces. */
  rest(parts: readonly ResponsePart[]): string {
    const text = joined(ofType(parts, 'text')) ?? '';
    const missing = text.slice(this.text);
    return [missing && this.delta(missing), ...parts.map((part) => this.whole(part))].join('');
  }

  end(reason: FinishReason, usage: AnswerUsage): string {
    const last = this.withUsage
      ? `${this.before}[],"usage":${JSON.stringify(usageOf(usage))}}\n\n`
      : '';
    return `${this.chunk({}, reasonOf(reason))}${last}${sentEvent('[DONE]')}`;
  }

  private chunk(delta: object, reason: string | null): string {
    return `${this.before}${JSON.stringify([{ index: 0, delta, logprobs: null, finish_reason: reason }])}${this.after}`;
  }
}

/** What the provider did not say is absent. */
function usageOf(usage: AnswerUsage): CompletionUsageDto {
  const { input_tokens, cached_tokens, output_tokens, reasoning_tokens } = usage;
  return {
    prompt_tokens: input_tokens,
    completion_tokens: output_tokens,
    total_tokens: input_tokens + output_tokens,
    ...(cached_tokens !== undefined && { prompt_tokens_details: { cached_tokens } }),
    ...(reasoning_tokens !== undefined && { completion_tokens_details: { reasoning_tokens } }),
  };
}
