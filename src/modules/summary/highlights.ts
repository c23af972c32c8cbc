/** A text that may be quoted from, and the pair that it belongs to. */
export interface Quotable {
  responseId: string;
  text: string;
}

export interface Highlight {
  response_id: string;
  /** Literally in the question or the response of that pair. */
  quote: string;
}

interface Sentence {
  responseId: string;
  quote: string;
  terms: string[];
  /** Of its text, from 0. */
  place: number;
}

export const HIGHLIGHTS_MAX = 5;
/** What is said first says most; and no text may take long. */
const CHARS_READ = 2000;
const SENTENCES_READ = 12;
export const QUOTE_CHARS_MAX = 280;
/**
 * Short words are mostly grammar. Scripts without spaces have short words: there each character
 * counts.
 */
const TERM = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]{4,}/gu;
/** How much a sentence loses for each one before it in its text. */
const LATER = 0.05;

const sentences = new Intl.Segmenter('und', { granularity: 'sentence' });

/**
 * Key sentences, in the order of the texts: those whose words are the likeliest ones of all the
 * texts, where every word that a chosen sentence has said counts for less in the next (SumBasic:
 * Nenkova and Vanderwende, 2005). One sentence of a pair at most. The same texts give the same
 * quotes.
 */
export function highlightsOf(texts: readonly Quotable[]): Highlight[] {
  const candidates = texts.flatMap(sentencesOf);
  const weights = weightsOf(candidates);
  const chosen = new Set<Sentence>();
  const taken = new Set<string>();
  while (chosen.size < HIGHLIGHTS_MAX) {
    const best = bestOf(
      candidates.filter(({ responseId }) => !taken.has(responseId)),
      weights,
    );
    if (!best) break;
    chosen.add(best);
    taken.add(best.responseId);
    for (const term of best.terms) weights.set(term, weights.get(term)! ** 2);
  }
  return candidates
    .filter((one) => chosen.has(one))
    .map(({ responseId, quote }) => ({ response_id: responseId, quote }));
}

function sentencesOf({ responseId, text }: Quotable): Sentence[] {
  const found: Sentence[] = [];
  for (const { segment } of sentences.segment(text.slice(0, CHARS_READ).toWellFormed())) {
    const quote = shortened(segment.trim());
    // Half a surrogate pair at the cut, or a text that had one, would not be literally there.
    if (quote === '' || !text.includes(quote)) continue;
    found.push({ responseId, quote, terms: [...new Set(termsOf(quote))], place: found.length });
    if (found.length === SENTENCES_READ) break;
  }
  return found;
}

const termsOf = (text: string): string[] => text.toLowerCase().match(TERM) ?? [];

/** Cut at the end of a word where it is long: still literally there. */
function shortened(sentence: string): string {
  if (sentence.length <= QUOTE_CHARS_MAX) return sentence;
  const cut = sentence.slice(0, QUOTE_CHARS_MAX);
  const space = cut.search(/\s\S*$/u);
  return (
    space > QUOTE_CHARS_MAX / 2 ? cut.slice(0, space) : cut.replace(/[\uD800-\uDBFF]$/, '')
  ).trim();
}

/** The share of each term in all of them. */
function weightsOf(all: readonly Sentence[]): Map<string, number> {
  const counts = new Map<string, number>();
  let total = 0;
  for (const { terms } of all) {
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    total += terms.length;
  }
  return new Map([...counts].map(([term, count]) => [term, count / total]));
}

/**
 * The first of the best ones. Sentences without terms come last, so that a chat of short words has
 * highlights too.
 */
function bestOf(
  all: readonly Sentence[],
  weights: ReadonlyMap<string, number>,
): Sentence | undefined {
  let [best, most]: [Sentence | undefined, number] = [undefined, -1];
  for (const sentence of all) {
    const sum = sentence.terms.reduce((score, term) => score + weights.get(term)!, 0);
    // The mean alone would prefer sentences of a single word; a root keeps long ones from winning
    // by their length.
    const score =
      sum / Math.sqrt(Math.max(sentence.terms.length, 1)) / (1 + LATER * sentence.place);
    if (score > most) [best, most] = [sentence, score];
  }
  return best;
}
