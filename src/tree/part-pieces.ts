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

/** A piece of an answer: of its text, or of a part. Pieces count from 1. */
export type Piece = { n: number; delta: string } | { n: number; part: PartPiece };

/** Pieces that follow each other, joined, from the number `from` to the number `n`. */
export type Run = Piece & { from: number };

export const isGrowing = (piece: PartPiece): piece is GrowingPart => 'delta' in piece;

/** The runs, and those that follow them; what goes on is one run. */
export function joinRuns(before: readonly Run[], next: readonly Run[]): Run[] {
  const runs = [...before];
  for (const run of next) {
    const last = runs.at(-1);
    const joined = last && joinedRun(last, run);
    if (joined) runs[runs.length - 1] = joined;
    else runs.push(run);
  }
  return runs;
}

function joinedRun(first: Run, next: Run): Run | null {
  const { from } = first;
  const { n } = next;
  if ('delta' in first)
    return 'delta' in next ? { from, n, delta: first.delta + next.delta } : null;
  if ('delta' in next || !goesOn(first.part, next.part)) return null;
  return {
    from,
    n,
    part: { ...first.part, delta: first.part.delta + (next.part as GrowingPart).delta },
  };
}

function goesOn(first: PartPiece, next: PartPiece): first is GrowingPart {
  if (!isGrowing(first) || !isGrowing(next) || first.type !== next.type) return false;
  return first.type === 'reasoning' || first.call_id === (next as typeof first).call_id;
}

/**
 * The parts of an answer, out of its pieces in their order. A thought or a call that did not come
 * to its end is kept as far as it came, with the input as a text.
 */
export function partsOfPieces(pieces: Iterable<Piece>): ResponsePart[] {
  const parts: ResponsePart[] = [];
  /** Where parts are that grow: a thought, and calls by their ids. */
  const open = new Map<string, number>();
  for (const piece of pieces) {
    if ('delta' in piece) addText(parts, piece.delta);
    else if (isGrowing(piece.part)) grow(parts, open, piece.part);
    else {
      const at = open.get(keyOf(piece.part));
      open.delete(keyOf(piece.part));
      parts[at ?? parts.length] = piece.part;
    }
  }
  return parts;
}

const keyOf = (part: PartPiece): string =>
  part.type === 'tool_call' ? `call ${part.call_id}` : part.type;

function addText(parts: ResponsePart[], delta: string): void {
  const last = parts.at(-1);
  if (last?.type === 'text') last.text += delta;
  else parts.push({ type: 'text', text: delta });
}

function grow(parts: ResponsePart[], open: Map<string, number>, piece: GrowingPart): void {
  const key = keyOf(piece);
  if (!open.has(key)) open.set(key, parts.push(beginOf(piece)) - 1);
  const part = parts[open.get(key)!]!;
  if (part.type === 'reasoning') part.text += piece.delta;
  else if (part.type === 'tool_call') part.input = `${String(part.input)}${piece.delta}`;
}

const beginOf = (piece: GrowingPart): ResponsePart =>
  piece.type === 'reasoning'
    ? { type: 'reasoning', text: '' }
    : { type: 'tool_call', call_id: piece.call_id, name: piece.name, input: '' };
