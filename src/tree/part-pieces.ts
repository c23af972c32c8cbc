import type { ResponsePart } from './parts.js';

/** A thought, or the input of a call, that goes on. */
export type GrowingPart =
  | { type: 'reasoning'; delta: string }
  | { type: 'tool_call'; call_id: string; name: string; delta: string };

/**
 * A piece of an answer beside its text: a part as it grows, or a whole one, which stands for the
 * pieces of it that came before.
 */
export type PartPiece = GrowingPart | ResponsePart;

export const isGrowing = (piece: PartPiece): piece is GrowingPart => 'delta' in piece;
