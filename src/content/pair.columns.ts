/** How a column of `messages` is written, read and shown. */
interface PairColumn {
  name: string;
  type: 'uuid' | 'int' | 'text' | 'jsonb' | 'timestamptz';
  isNullable?: true;
  /** Whether it is one of our own words, in which JSON has nothing to escape. */
  isOurs?: true;
  /** Whether a redaction takes it away; then it may be null. */
  hasWords?: true;
  /** Whether stores of words have a copy of it, for people who read them. */
  isCopied?: true;
  /** Its name for clients, where that is another one. */
  as?: string;
}

/** Which pair it is, where it stands, and which version of its words is the right one. */
const PLACE = {
  responseId: { name: 'response_id', type: 'uuid', isCopied: true },
  chatId: { name: 'chat_id', type: 'uuid', isCopied: true },
  seq: { name: 'seq', type: 'int', isCopied: true },
  version: { name: 'version', type: 'int', isCopied: true },
} as const satisfies Record<string, PairColumn>;

/**
 * What is known of a pair beside its place and its words, in the order of its JSON. SELECT lists,
 * rows, inputs, JSON, the journal's list and what a redaction takes away follow from this list; the
 * types of the values are those of `Message`, and `QaPairDto` says the same to the API document.
 * Here and not beside them, since the relay reads pairs and knows no feature.
 */
const FACTS = {
  messageType: { name: 'message_type', type: 'text', isOurs: true, isCopied: true },
  author: { name: 'author', type: 'text', isNullable: true, hasWords: true },
  status: { name: 'status', type: 'text', isOurs: true },
  model: { name: 'model', type: 'text', isNullable: true },
  usage: { name: 'usage', type: 'jsonb', isNullable: true },
  error: { name: 'error', type: 'jsonb', isNullable: true, hasWords: true },
  createdAt: { name: 'created_at', type: 'timestamptz', isCopied: true, as: 'timestamp' },
} as const satisfies Record<string, PairColumn>;

type Facts = typeof FACTS;
export type FactField = keyof Facts;
/** Columns of the rows that pairs are made of. */
export type PairField = keyof typeof PLACE | FactField;
/** Those that most pairs have nothing in. */
export type NullableField = {
  [Field in keyof Facts]: Facts[Field] extends { isNullable: true } ? Field : never;
}[keyof Facts];
type WordsField = {
  [Field in keyof Facts]: Facts[Field] extends { hasWords: true } ? Field : never;
}[keyof Facts];

export const FACT_COLUMNS = Object.entries(FACTS) as [keyof Facts, PairColumn][];
export const NULLABLE_COLUMNS = FACT_COLUMNS.filter(([, { isNullable }]) => isNullable) as [
  NullableField,
  PairColumn,
][];
const WORDS_COLUMNS = FACT_COLUMNS.filter(([, { hasWords }]) => hasWords) as [
  WordsField,
  PairColumn,
][];
const ALL: [PairField, PairColumn][] = [
  ...(Object.entries(PLACE) as [keyof typeof PLACE, PairColumn][]),
  ...FACT_COLUMNS,
];

const listOf = (columns: readonly [string, PairColumn][]): string =>
  columns.map(([field, { name }]) => `m.${name} AS "${field}"`).join(', ');

/** All of a pair `m` but its words and branches, by the names of the code. */
export const PAIR_LIST = listOf(ALL);
/** What of it is written into stores of words. */
export const COPIED_LIST = listOf(ALL.filter(([, { isCopied }]) => isCopied));

/** Columns of `messages` that may hold words of people or tools, beside the words themselves. */
export const WORDS_NAMES = WORDS_COLUMNS.map(([, { name }]) => name);
/** The same of a pair that has none any more. */
export const NO_WORDS = Object.fromEntries(WORDS_COLUMNS.map(([field]) => [field, null])) as Record<
  WordsField,
  null
>;
/** A pair of which nothing is told that need not be. */
export const NOTHING_TOLD = Object.fromEntries(
  NULLABLE_COLUMNS.map(([field]) => [field, null]),
) as Record<NullableField, null>;
