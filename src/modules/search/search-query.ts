import { type Token, tokensOf } from './search-tokens.js';
import { neighboursOf, type TextSide, WEIGHTS } from './search-word-places.js';
import { accountKey } from './search-vector.js';

/** One word that is looked for. */
export interface Step {
  lexeme: string;
  /** Also longer words that begin with it. */
  isPrefix: boolean;
}

/** Words that follow each other, or (`or`) the one word that they are put together to. */
export interface Term {
  steps: readonly Step[];
  or: Step | null;
  isNot: boolean;
}

/** What is looked for: one of the groups, of it all terms. */
export type SearchQuery = readonly (readonly Term[])[];

/** Words of a query, so that no statement of it is without end. */
const STEPS_MAX = 128;

/** Quotation marks as people and their keyboards write them. */
const QUOTES = /[“”„«»]/g;
/** `"a phrase"`, or what stands between spaces; a phrase may lack its end. */
const CHUNKS = /(-?)"([^"]*)"?|(\S+)/g;

/**
 * Reads a query as people write it on the web: all words must be there, `"these in this order"`,
 * `-this` not, `this OR that`, and `begin*`. What is no word to us, such as `%` or a lone quote,
 * says nothing.
 * @returns the query, or in words what is wrong with it
 */
export function readQuery(text: string): SearchQuery | string {
  const groups: Term[][] = [[]];
  for (const [chunk, minus, phrase, plain] of text.replace(QUOTES, '"').matchAll(CHUNKS)) {
    if (/^or$/i.test(chunk)) groups.push([]);
    else groups.at(-1)!.push(...termsOf(phrase ?? plain!, phrase !== undefined, minus === '-'));
  }
  const said = groups.filter((group) => group.length > 0);
  if (said.length === 0) return 'has no letter or digit to look for';
  if (said.some((group) => group.every(({ isNot }) => isNot)))
    return 'needs a word that is to be found beside those that are not';
  if (said.flat().reduce((sum, { steps }) => sum + steps.length, 0) > STEPS_MAX)
    return `must have at most ${STEPS_MAX} words`;
  return said;
}

function termsOf(text: string, isPhrase: boolean, isNotPhrase: boolean): Term[] {
  const isNot = isPhrase ? isNotPhrase : /^-+[^-]/.test(text);
  const tokens = tokensOf(text);
  if (tokens.length === 0) return [];
  const steps = stepsOf(tokens, text.endsWith('*'));
  return [{ steps, or: wholeOf(tokens, steps), isNot }];
}

/**
 * One word for each position: of what is put together its parts, of a script without spaces the
 * pairs, and a single character of it as the beginning of one.
 */
function stepsOf(tokens: readonly Token[], endsWithStar: boolean): Step[] {
  const parts = tokens.filter(
    (token, i) =>
      // A whole is followed by its first part; the last character is in the pair before it.
      tokens[i + 1]?.position !== token.position &&
      (i < tokens.length - 1 || !isTail(token, tokens[i - 1])),
  );
  return parts.map((token, i) => ({
    lexeme: token.lexeme,
    isPrefix: isLoneCharacter(token) || (endsWithStar && i === parts.length - 1),
  }));
}

const isTail = (token: Token, before: Token | undefined): boolean =>
  before !== undefined && before.to === token.to && before.from < token.from && isPair(before);

/** A token of a script without spaces that goes on behind the next one's beginning. */
const isPair = ({ lexeme }: Token): boolean => UNSPACED_START.test(lexeme);
const isLoneCharacter = ({ lexeme }: Token): boolean =>
  UNSPACED_START.test(lexeme) && [...lexeme.replace(/\p{M}/gu, '')].length === 1;

const UNSPACED_START =
  /^[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** Where one word was put together of parts: it as a whole. */
function wholeOf(tokens: readonly Token[], steps: readonly Step[]): Step | null {
  const [first, second] = tokens;
  const isWhole = second?.position === first!.position && tokens.every(({ to }) => to <= first!.to);
  return isWhole ? { lexeme: first!.lexeme, isPrefix: steps.at(-1)!.isPrefix } : null;
}

/**
 * The `tsquery` of it among the words of an account, on one side or both. To find by, a phrase is
 * looked for by the words of its neighbours too; to rank by it must have nothing but its words.
 */
export function tsqueryOf(
  query: SearchQuery,
  accountId: string,
  side: TextSide | undefined,
  to: 'find' | 'rank' = 'find',
): string {
  const key = accountKey(accountId);
  const weight = side ? WEIGHTS[side] : '';
  const word = ({ lexeme, isPrefix }: Step): string => {
    const flags = `${isPrefix ? '*' : ''}${weight}`;
    return `'${key}${lexeme}'${flags && `:${flags}`}`;
  };
  const term = ({ steps, or, isNot }: Term): string => {
    const pairs = to === 'find' && !isNot ? pairsOf(steps, key) : [];
    const phrase = steps.map(word).join(' <-> ');
    const both = pairs.length > 0 ? [`(${phrase})`, ...pairs].join(' & ') : phrase;
    return `${isNot ? '!' : ''}(${or ? `${word(or)} | (${both})` : both})`;
  };
  return `(${query.map((group) => group.map(term).join(' & ')).join(' | ')})`;
}

const pairsOf = (steps: readonly Step[], key: string): string[] =>
  steps.flatMap((step, i) => {
    const next = steps[i + 1];
    return !next || step.isPrefix || next.isPrefix
      ? []
      : [`'${key}${neighboursOf(step.lexeme, next.lexeme)}'`];
  });
