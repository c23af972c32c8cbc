import type { GrowingPart } from '../../tree/part-pieces.js';
import type {
  ReasoningPart,
  ResponsePart,
  ToolCallPart,
  ToolResultPart,
} from '../../tree/parts.js';
import type { UrlOf } from '../client-chat/client-files.service.js';
import { besideText } from './agui-history.js';
import { type AguiEvent, idsOf } from './agui-message.js';
import { argumentsOf, contentOfResult } from './tool-content.js';

/**
 * The events that one turn of a model is told in. Its words are one message, whose id is the
 * `response_id`, and its calls belong to that; each thought is a message of its own.
 */
export class AnswerEvents {
  /** What is growing: the words, a thought, or the input of a call. */
  private open: { kind: 'text' | 'reasoning' | 'call'; id: string } | null = null;
  /** Calls that were told, whole or in part. */
  private readonly calls = new Set<string>();
  private readonly counts = { texts: 0, thoughts: 0, outputs: 0, all: 0 };

  constructor(
    private readonly responseId: string,
    private readonly urlOf: UrlOf,
  ) {}

  /** Whether anything was told. */
  get isEmpty(): boolean {
    return this.counts.all === 0;
  }

  /** A piece of text. */
  delta(delta: string): AguiEvent[] {
    const told = { type: 'TEXT_MESSAGE_CONTENT', messageId: this.responseId, delta };
    if (this.open?.kind === 'text') return [told];
    const closing = this.end();
    this.open = { kind: 'text', id: this.responseId };
    this.counts.all++;
    const start = { type: 'TEXT_MESSAGE_START', messageId: this.responseId, role: 'assistant' };
    // To the page they are one text, as they are one to `response`.
    const isFurther = this.counts.texts++ > 0;
    return [...closing, start, isFurther ? { ...told, delta: `\n${delta}` } : told];
  }

  /** A thought, or the input of a call, that goes on. */
  growing(piece: GrowingPart): AguiEvent[] {
    return piece.type === 'reasoning'
      ? this.thinks(piece.delta)
      : this.callGrows(piece.call_id, piece.name, piece.delta);
  }

  /** A whole part. Of a thought or a call that has grown only the end is told. */
  part(part: ResponsePart): AguiEvent[] {
    switch (part.type) {
      case 'text':
      case 'refusal':
        return [...this.end(), ...this.delta(part.text), ...this.end()];
      case 'reasoning':
        return this.thought(part);
      case 'tool_call':
        return this.call(part);
      case 'tool_result':
        return [...this.end(), this.output(part)];
      default:
        this.counts.all++;
        return [
          ...this.end(),
          { type: 'CUSTOM', name: 'banyan.part', value: besideText(part, this.urlOf) },
        ];
    }
  }

  /** Closes what is growing. */
  end(): AguiEvent[] {
    const { open } = this;
    this.open = null;
    if (!open) return [];
    if (open.kind === 'text') return [{ type: 'TEXT_MESSAGE_END', messageId: open.id }];
    if (open.kind === 'call') return [{ type: 'TOOL_CALL_END', toolCallId: open.id }];
    return [
      { type: 'REASONING_MESSAGE_END', messageId: open.id },
      { type: 'REASONING_END', messageId: open.id },
    ];
  }

  private thought({ text, summary }: ReasoningPart): AguiEvent[] {
    if (this.open?.kind === 'reasoning') return this.end();
    return [...this.thinks(text || (summary ?? '')), ...this.end()];
  }

  private thinks(delta: string): AguiEvent[] {
    if (this.open?.kind === 'reasoning')
      return [{ type: 'REASONING_MESSAGE_CONTENT', messageId: this.open.id, delta }];
    const closing = this.end();
    const messageId = idsOf(this.responseId).reasoning(this.counts.thoughts++);
    this.open = { kind: 'reasoning', id: messageId };
    this.counts.all++;
    return [
      ...closing,
      { type: 'REASONING_START', messageId },
      { type: 'REASONING_MESSAGE_START', messageId, role: 'reasoning' },
      { type: 'REASONING_MESSAGE_CONTENT', messageId, delta },
    ];
  }

  private call(part: ToolCallPart): AguiEvent[] {
    const { call_id: id, name } = part;
    if (this.open?.kind === 'call' && this.open.id === id) return this.end();
    // Its input has grown, and was closed by what came between.
    if (this.calls.has(id)) return this.end();
    return [...this.callGrows(id, name, argumentsOf(part)), ...this.end()];
  }

  private callGrows(toolCallId: string, toolCallName: string, delta: string): AguiEvent[] {
    const told = { type: 'TOOL_CALL_ARGS', toolCallId, delta };
    if (this.open?.id === toolCallId && this.open.kind === 'call') return [told];
    const closing = this.end();
    this.open = { kind: 'call', id: toolCallId };
    this.calls.add(toolCallId);
    this.counts.all++;
    const parentMessageId = this.responseId;
    return [
      ...closing,
      { type: 'TOOL_CALL_START', toolCallId, toolCallName, parentMessageId },
      told,
    ];
  }

  private output(result: ToolResultPart): AguiEvent {
    this.counts.all++;
    const messageId = idsOf(this.responseId).output(this.counts.outputs++);
    const content = contentOfResult(result, this.urlOf);
    return { type: 'TOOL_CALL_RESULT', messageId, toolCallId: result.call_id, content };
  }
}
