import { exactTwin } from '../../common/exact-json.js';
import { isGrowing, type PartPiece } from '../../tree/part-pieces.js';
import type { ResponsePart, ToolCallPart, ToolResultPart } from '../../tree/parts.js';
import type { UrlOf } from '../client-chat/client-files.service.js';
import { filePart, inputFault, outputOf, ownPart, sourcePart, type UiPart } from './ui-parts.js';

/**
 * The chunks of a UI message stream (version 1) that one turn of a model is told in: only those
 * that the majors 6 and 7 of the AI SDK both know, as an unknown one would end the stream there.
 */
export class StepChunks {
  /** What is growing: a text or a thought. */
  private open: { kind: 'text' | 'reasoning'; id: string } | null = null;
  /** Calls that were told, whole or in part. */
  private readonly calls = new Set<string>();
  private count = 0;
  private sources = 0;

  /** @param name parts the ids of one step from those of others */
  constructor(
    private readonly name: string,
    private readonly urlOf: UrlOf,
  ) {}

  /** Whether anything was told. */
  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** A piece of text. */
  delta(text: string): UiPart[] {
    return this.grow('text', text);
  }

  /** A piece of anything else: a part as it grows, or a whole one. */
  piece(piece: PartPiece): UiPart[] {
    if (!isGrowing(piece)) return this.part(exactTwin(piece) as ResponsePart);
    return piece.type === 'reasoning'
      ? this.grow('reasoning', piece.delta)
      : this.callGrows(piece.call_id, piece.name, piece.delta);
  }

  /** A whole part. Of a thought or a call that has grown only the end is told. */
  part(part: ResponsePart): UiPart[] {
    switch (part.type) {
      case 'text':
      case 'refusal':
        return [...this.end(), ...this.grow('text', part.text), ...this.end()];
      case 'reasoning':
        if (this.open?.kind === 'reasoning') return this.end();
        return [...this.grow('reasoning', part.text || (part.summary ?? '')), ...this.end()];
      case 'tool_call':
        return [...this.end(), this.call(part)];
      case 'tool_result':
        return [...this.end(), ...this.result(part)];
      case 'file':
        return [...this.end(), this.counted(filePart(part, this.urlOf))];
      case 'source':
        return [...this.end(), this.counted(sourcePart(part, `${this.name}-${this.sources++}`))];
      default:
        return [...this.end(), this.counted(ownPart(part))];
    }
  }

  /** How a tool ended whose call was told in this step. */
  result(result: ToolResultPart): UiPart[] {
    const { call_id: toolCallId } = result;
    if (!this.calls.has(toolCallId)) return [];
    const { state, ...said } = outputOf(result);
    return [{ type: `tool-${state}`, toolCallId, ...said }];
  }

  /** Closes what is growing. */
  end(): UiPart[] {
    const { open } = this;
    this.open = null;
    return open ? [{ type: `${open.kind}-end`, id: open.id }] : [];
  }

  private grow(kind: 'text' | 'reasoning', delta: string): UiPart[] {
    if (this.open?.kind === kind) return [{ type: `${kind}-delta`, id: this.open.id, delta }];
    const id = this.count === 0 ? this.name : `${this.name}-${this.count}`;
    const closing = this.end();
    this.open = { kind, id };
    return [
      ...closing,
      this.counted({ type: `${kind}-start`, id }),
      { type: `${kind}-delta`, id, delta },
    ];
  }

  private callGrows(toolCallId: string, toolName: string, inputTextDelta: string): UiPart[] {
    const delta = { type: 'tool-input-delta', toolCallId, inputTextDelta };
    if (this.calls.has(toolCallId)) return [delta];
    this.calls.add(toolCallId);
    const start = this.counted({ type: 'tool-input-start', toolCallId, toolName });
    return [...this.end(), start, delta];
  }

  private call({ call_id, name, input, provider_executed: byProvider }: ToolCallPart): UiPart {
    this.calls.add(call_id);
    const fault = inputFault(input);
    return this.counted({
      type: fault === null ? 'tool-input-available' : 'tool-input-error',
      toolCallId: call_id,
      toolName: name,
      input,
      ...(byProvider && { providerExecuted: true }),
      ...(fault !== null && { errorText: fault }),
    });
  }

  private counted(chunk: UiPart): UiPart {
    this.count++;
    return chunk;
  }
}
