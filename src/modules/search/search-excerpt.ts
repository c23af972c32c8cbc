import type { SearchQuery, Step } from './search-query.js';
import { eachToken, type Token } from './search-tokens.js';

/**
 * A piece of a text with what was found in it. Text and no markup: whoever shows it marks the
 * ranges, from (included) and to (not), in UTF-16 code units, as strings of JavaScript count.
 */
export interface Excerpt {
  text: string;
  ranges: [from: number, to: number][];
}

type Range = [from: number, to: number];

const CHARS = 240;
/** Of those, how many stand before what was found. */
const BEFORE = 60;

/**
 * The part of a text around the first place where something of the query is, with all such places
 * in it; null where there is none. It reads no further than it shows.
 */
export function excerptOf(text: string, query: SearchQuery): Excerpt | null {
  const finders = query
    .flat()
    .filter(({ isNot }) => !isNot)
    .flatMap(({ steps, or }) => [steps, ...(or ? [[or]] : [])])
    .map((steps) => new Finder(steps));
  const ranges: Range[] = [];
  let end = Infinity;
  eachToken(text, (token) => {
    if (token.from >= end) return false;
    for (const finder of finders) {
      const range = finder.next(token);
      if (!range) continue;
      ranges.push(range);
      if (end === Infinity) end = Math.max(range[1], range[0] - BEFORE + CHARS);
    }
    return true;
  });
  return ranges.length === 0 ? null : cutAround(text, joined(ranges));
}

/** Looks for words that follow each other, token by token. */
class Finder {
  /** How far tries have come that began at some position: by that of their next word. */
  private tries = new Map<number, { step: number; from: number }[]>();

  constructor(private readonly steps: readonly Step[]) {}

  next(token: Token): Range | null {
    const found = (step: number): boolean => isOf(token, this.steps[step]!);
    const waiting = this.tries.get(token.position) ?? [];
    const moved = [...waiting, { step: 0, from: token.from }].filter(({ step }) => found(step));
    for (const position of this.tries.keys())
      if (position < token.position) this.tries.delete(position);
    const done = moved.find(({ step }) => step === this.steps.length - 1);
    const on = moved.filter(({ step }) => step < this.steps.length - 1);
    if (on.length > 0) {
      const after = this.tries.get(token.position + 1) ?? [];
      after.push(...on.map(({ step, from }) => ({ step: step + 1, from })));
      this.tries.set(token.position + 1, after);
    }
    return done ? [done.from, token.to] : null;
  }
}

const isOf = ({ lexeme }: Token, step: Step): boolean =>
  step.isPrefix ? lexeme.startsWith(step.lexeme) : lexeme === step.lexeme;

/** In order, and one where they meet. */
function joined(ranges: readonly Range[]): Range[] {
  const out: Range[] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}

function cutAround(text: string, ranges: readonly Range[]): Excerpt {
  const [first] = ranges as [Range];
  const start = wholeAt(text, startBefore(text, Math.min(first[0], text.length - CHARS)));
  const stop = wholeAt(text, Math.min(text.length, Math.max(start + CHARS, first[1])));
  const end = stop < text.length ? Math.max(endBefore(text, start, stop), first[1]) : stop;
  return {
    text: text.slice(start, end),
    ranges: ranges
      .filter(([from, to]) => from >= start && to <= end)
      .map(([from, to]): Range => [from - start, to - start]),
  };
}

/** The beginning of a word some way before `at`. */
function startBefore(text: string, at: number): number {
  if (at <= BEFORE) return 0;
  const space = /\s\S/.exec(text.slice(at - BEFORE, at));
  return at - BEFORE + (space ? space.index + 1 : 0);
}

/** The end of the last word before `stop`. */
function endBefore(text: string, start: number, stop: number): number {
  const space = text.slice(start, stop).search(/\s+\S*$/);
  return space > CHARS / 2 ? start + space : stop;
}

/** Not between the halves of a character. */
const wholeAt = (text: string, at: number): number =>
  at > 0 && /[\udc00-\udfff]/.test(text[at] ?? '') && /[\ud800-\udbff]/.test(text[at - 1]!)
    ? at - 1
    : at;
