import type { ModelPart } from '../../llm/language-model.js';
import type { GrowingPart, PartPiece } from '../../tree/part-pieces.js';
import type { ResponsePart } from '../../tree/parts.js';

type End = Extract<ModelPart, { type: 'end' }>;

/** What a model has said so far, of an answer that is kept nowhere. */
export class HeardParts {
  readonly parts: ResponsePart[] = [];
  /** How it ended, once it has. */
  end: End | null = null;

  add(part: ModelPart): void {
    if (part.type === 'end') this.end = part;
    else if (part.type === 'part') this.whole(part.part);
    else if (part.type === 'delta') this.grow('text', part.text);
    else if (part.type === 'reasoning') this.grow('reasoning', part.text);
  }

  /** A whole thought stands for its pieces; one without words has none. */
  private whole(part: ResponsePart): void {
    const isOfPieces = part.type === 'reasoning' && part.text !== '';
    if (isOfPieces && this.parts.at(-1)?.type === 'reasoning') this.parts.pop();
    this.parts.push(part);
  }

  private grow(type: 'text' | 'reasoning', text: string): void {
    const last = this.parts.at(-1);
    if (last?.type === type) last.text += text;
    else this.parts.push({ type, text });
  }
}

/** A part of the port as readers of an answer are told it; text and the end are none. */
export const pieceOf = (
  part: Exclude<ModelPart, { type: 'delta' } | { type: 'end' }>,
): PartPiece => {
  if (part.type === 'part') return part.part;
  if (part.type === 'reasoning') return { type: 'reasoning', delta: part.text };
  const { call_id, name, delta } = part;
  return { type: 'tool_call', call_id, name, delta } satisfies GrowingPart;
};
