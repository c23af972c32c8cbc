import { parseArgs } from 'node:util';

export type Size = 'S' | 'M' | 'L';

export interface Options {
  size: Size;
  /** Scenarios that are wanted (`P1`, …); all when empty. */
  only: ReadonlySet<string>;
  /** JSON on stdout instead of the table. */
  json: boolean;
  /** Folder for a CPU profile of Banyan. */
  profile?: string | undefined;
  /** Rounds that must be clean; their median counts. */
  rounds: number;
  /** How long one side is under load at a time. */
  sliceMs: number;
  /** Pairs in the big chat. */
  bigPairs: number;
  /** Chats that appends are spread over. */
  manyChats: number;
  /** Chats of one pair beside the big one. */
  shortChats: number;
  /** Accounts whose pairs are searched: one has `bigPairs`, the others 900. */
  searchAccounts: number;
}

const SHORT_CHATS = 1000;

const SIZES: Record<
  Size,
  Pick<Options, 'rounds' | 'sliceMs' | 'bigPairs' | 'manyChats' | 'searchAccounts'>
> = {
  S: { rounds: 5, sliceMs: 1000, bigPairs: 100_000, manyChats: 2000, searchAccounts: 100 },
  M: { rounds: 7, sliceMs: 3000, bigPairs: 100_000, manyChats: 10_000, searchAccounts: 1000 },
  L: { rounds: 9, sliceMs: 6000, bigPairs: 1_000_000, manyChats: 50_000, searchAccounts: 1000 },
};

export const SCENARIOS = [
  'P0',
  'P1',
  'P2',
  'P3',
  'P4',
  'P5',
  'P6',
  'P7',
  'P8',
  'P9',
  'P10',
  'P13',
  'P14',
  'P16',
] as const;

export const HELP = `npm run bench [-- --size S|M|L] [--only P1,P5] [--json] [--profile DIR]

  --size     S (default) three to five minutes, by the noise; M and L longer, L with a chat of a million pairs
  --only     some of ${SCENARIOS.join(', ')}; docs/performance.md says what they are
  --json     the result as JSON on stdout; progress goes to stderr in any case
  --profile  write a CPU profile of the Banyan process to this folder
`;

/** @throws Error in plain words */
export function optionsOf(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: 'string', default: 'S' },
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const size = values.size.toUpperCase();
  if (!isSize(size)) throw new Error(`--size must be S, M or L, not ${values.size}`);
  const only = values.only.toUpperCase().split(',').filter(Boolean);
  const stray = only.find((id) => !SCENARIOS.some((known) => known === id));
  if (stray) throw new Error(`--only knows ${SCENARIOS.join(', ')}, not ${stray}`);
  return {
    size,
    only: new Set(only),
    json: values.json,
    profile: values.profile,
    shortChats: SHORT_CHATS,
    ...SIZES[size],
  };
}

const isSize = (size: string): size is Size => size in SIZES;
