import { FACT_COLUMNS, type FactField } from '../../content/pair.columns.js';
import type { Pair } from './pair.js';

/** A pair on its way into PostgreSQL, beside its place on the path. */
export interface PairInput extends Pick<Pair, 'chatId' | 'responseId' | 'body'>, InputFacts {
  sha256: Buffer;
  /** The calls of tools that its response makes; null where it makes none. */
  callIds?: readonly string[] | null;
}

/** Objects are kept as they are given; an import may have others. */
type InputFacts = Omit<Pick<Pair, FactField>, 'usage' | 'error'> & {
  usage: object | null;
  error: object | null;
};

/** A column of an input, with what it takes from a row. */
export type InputColumn<Row> = readonly [name: string, type: string, value: (row: Row) => unknown];

/** A list as PostgreSQL writes it: a list of lists would need one length, so they go as texts. */
const arrayText = (texts: readonly string[]): string =>
  `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;

/** What is sent of a pair to be written; statements number their parameters by this order. */
export const PAIR_INPUT: readonly InputColumn<PairInput>[] = [
  ['chat_id', 'uuid', (pair) => pair.chatId],
  ['response_id', 'uuid', (pair) => pair.responseId],
  ...FACT_COLUMNS.map(([field, { name, type }]): InputColumn<PairInput> =>
    type === 'jsonb'
      ? [name, 'text', (pair) => (pair[field] ? JSON.stringify(pair[field]) : null)]
      : [name, type, (pair) => pair[field]],
  ),
  ['body', 'text', (pair) => pair.body],
  ['bytes', 'int', (pair) => Buffer.byteLength(pair.body)],
  ['sha256', 'bytea', (pair) => pair.sha256],
  ['call_ids', 'text', (pair) => (pair.callIds ? arrayText(pair.callIds) : null)],
];

/** Columns of `messages` that a row of the input fills, beside those of its place. */
export const PAIR_NAMES = `response_id, bytes, sha256, call_ids, ${FACT_COLUMNS.map(([, { name }]) => name).join(', ')}`;
/** What it fills them with. */
export const PAIR_VALUES = `response_id, bytes, sha256, call_ids::text[], ${FACT_COLUMNS.map(
  ([, { name, type }]) => (type === 'jsonb' ? `${name}::jsonb` : name),
).join(', ')}`;
