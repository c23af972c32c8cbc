import { cpus } from 'node:os';
import type { Options } from './options.js';
import { type Rounds, type Slice, slicesOf, type Spread } from './rounds.js';

/** One measured ratio, and what it is held to. */
export interface Row {
  id: string;
  what: string;
  ratio: Spread;
  /** `>=` where more is better. Without it the row is for information. */
  held?: { sign: '>=' | '<='; bar: number; aim: number };
  note?: string;
}

/** What a scenario found out. */
export interface Finding {
  rows: Row[];
  /** Lines under the table: absolute figures, the noise. */
  details: string[];
}

export type Verdict = 'aim' | 'bar' | 'MISS' | '-';

export function verdictOf({ ratio: { med }, held }: Row): Verdict {
  if (!held) return '-';
  const reaches = (level: number): boolean => (held.sign === '>=' ? med >= level : med <= level);
  return reaches(held.aim) ? 'aim' : reaches(held.bar) ? 'bar' : 'MISS';
}

const HEAD = ['', 'what', 'min / median / max', 'bar', 'aim', 'verdict'];

/** The result for people. */
export function tableOf(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ rows }) => rows);
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  const misses = rows.filter((row) => verdictOf(row) === 'MISS');
  const verdict =
    misses.length === 0
      ? 'Every bar is met.'
      : `Below the bar: ${misses.map(({ id, what }) => `${id} (${what})`).join('; ')}.`;
  return [...lines, '', ...findings.flatMap(({ details }) => details), '', verdict].join('\n');
}

function cellsOf(row: Row): string[] {
  const { id, what, ratio, held, note } = row;
  const limits = held ? [`${held.sign} ${held.bar}`, `${held.sign} ${held.aim}`] : ['', ''];
  return [
    id,
    note ? `${what} (${note})` : what,
    [ratio.min, ratio.med, ratio.max].map(short).join(' / '),
    ...limits,
    verdictOf(row),
  ];
}

export const short = (value: number): string =>
  Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);

/** The result for programs. */
export const jsonOf = (findings: readonly Finding[], { size }: Options): string =>
  JSON.stringify(
    {
      size,
      node: process.version,
      cpu: `${cpus().length} x ${cpus()[0]?.model ?? '?'}`,
      rows: findings.flatMap(({ rows }) =>
        rows.map((row) => ({ ...row, verdict: verdictOf(row) })),
      ),
      details: findings.flatMap(({ details }) => details),
    },
    null,
    2,
  );

const FIELDS: readonly (readonly [keyof Slice, string])[] = [
  ['serverUs', 'server'],
  ['databaseUs', 'PostgreSQL'],
  ['clientUs', 'client'],
];

/** Rates and CPU of every side of some rounds, in lines. */
export function ratesOf(title: string, rounds: Rounds, sides: readonly string[]): string[] {
  const lines = sides.map((side) => {
    const cpu = FIELDS.map(([field, name]) => [name, slicesOf(rounds, side, field)] as const)
      .filter(([, { med }]) => !Number.isNaN(med))
      .map(([name, { min, med }]) => `${name} ${min.toFixed(0)} / ${med.toFixed(0)}`);
    const { min, med, max } = slicesOf(rounds, side, 'rps');
    return `  ${side}: ${min.toFixed(0)} / ${med.toFixed(0)} / ${max.toFixed(0)} a second; CPU us each (min / median): ${cpu.join(', ')}`;
  });
  return [`${title}: ${rounds.clean.length} rounds${noiseOf(rounds)}`, ...lines];
}

export function noiseOf({ dropped, noisy }: Rounds): string {
  if (noisy) return `, TOO NOISY: the control pair differed in ${dropped}, all rounds count`;
  return dropped > 0 ? `, ${dropped} dropped as the control pair differed` : '';
}
