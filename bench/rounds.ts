import { setTimeout as sleep } from 'node:timers/promises';
import type { Server, Stage } from './stage.js';

/** What one side did while it was under load. */
export interface Slice {
  rps: number;
  /** CPU microseconds for each request: of the server, of PostgreSQL, of the client. */
  serverUs: number;
  databaseUs: number;
  clientUs: number;
}

/** One of those that are measured against each other. */
export interface Side {
  name: string;
  run: () => Promise<Slice>;
}

/** The slices of one round, by the name of the side; the control ran at both ends of the round. */
export interface Round {
  slices: ReadonlyMap<string, Slice>;
  control: readonly [Slice, Slice];
}

export interface Rounds {
  clean: readonly Round[];
  /** Rounds that did not count, as the control differed from itself. */
  dropped: number;
  /** Too few rounds were clean: all count, and the figures are worth little. */
  noisy: boolean;
}

/** A server that differs more than this from itself in one round was not measured but disturbed. */
const CONTROL_DIFFERENCE_MAX = 0.15;
/**
 * Runs of each side that do not count: for code, plans and pages of files. After one the first
 * round still measured code that V8 had not compiled yet.
 */
const WARM_RUNS = 3;
/** Late work of one side must not fall into the time of the next. */
const PAUSE_MS = 250;

/**
 * Runs all sides in turn, the control first and last, in reversed order every other time; until
 * enough rounds are clean, or twice as many and two were tried.
 */
export async function inRounds(
  count: number,
  control: Side,
  others: readonly Side[],
  say: (line: string) => void,
): Promise<Rounds> {
  for (let n = 1; n <= WARM_RUNS; n++) for (const side of [control, ...others]) await side.run();
  const all: Round[] = [];
  const clean: Round[] = [];
  for (let n = 1; clean.length < count && n <= count * 2; n++) {
    const round = await oneRound(control, n % 2 === 1 ? others : others.toReversed());
    const difference = Math.abs(round.control[0].rps / round.control[1].rps - 1);
    const dropped = difference > CONTROL_DIFFERENCE_MAX;
    all.push(round);
    if (!dropped) clean.push(round);
    const rates = [...round.slices]
      .map(([name, { rps }]) => `${name} ${Math.round(rps)}/s`)
      .join(', ');
    say(
      `round ${n}: ${rates}; control pair differs by ${(difference * 100).toFixed(0)} %${dropped ? ': DROPPED' : ''}`,
    );
  }
  const noisy = clean.length < count;
  return { clean: noisy ? all : clean, dropped: all.length - clean.length, noisy };
}

async function oneRound(control: Side, others: readonly Side[]): Promise<Round> {
  const slices = new Map<string, Slice>();
  const run = async (side: Side): Promise<Slice> => {
    await sleep(PAUSE_MS);
    return side.run();
  };
  const before = await run(control);
  for (const side of others) slices.set(side.name, await run(side));
  const after = await run(control);
  slices.set(control.name, meanOf(before, after));
  return { slices, control: [before, after] };
}

const meanOf = (a: Slice, b: Slice): Slice => ({
  rps: (a.rps + b.rps) / 2,
  serverUs: (a.serverUs + b.serverUs) / 2,
  databaseUs: (a.databaseUs + b.databaseUs) / 2,
  clientUs: (a.clientUs + b.clientUs) / 2,
});

/** Counts what a load costs while it runs. */
export async function counted(
  stage: Stage,
  server: Server | null,
  load: () => Promise<{ requests: number; seconds: number }>,
): Promise<Slice> {
  const reading = () => {
    const { user, system } = process.cpuUsage();
    return [server ? stage.cpu.of(server) : NaN, stage.cpu.database(), user + system] as const;
  };
  const before = reading();
  const { requests, seconds } = await load();
  const [serverUs, databaseUs, clientUs] = reading().map(
    (after, i) => (after - before[i]!) / requests,
  ) as [number, number, number];
  return { rps: requests / seconds, serverUs, databaseUs, clientUs };
}

/** Least, middle and greatest. */
export interface Spread {
  min: number;
  med: number;
  max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { min: sorted[0] ?? NaN, med: median(sorted), max: sorted.at(-1) ?? NaN };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The ratio of two sides, round by round. */
export const ratioOf = (
  rounds: Rounds,
  of: string,
  to: string,
  field: keyof Slice = 'rps',
): Spread =>
  spreadOf(rounds.clean.map(({ slices }) => slices.get(of)![field] / slices.get(to)![field]));

/** What one side reached, over all rounds that count. */
export const slicesOf = (rounds: Rounds, side: string, field: keyof Slice): Spread =>
  spreadOf(rounds.clean.map(({ slices }) => slices.get(side)![field]));
