import { type Ids, INVARIANTS, type InvariantId } from './check.js';
import type { Tallies, InvariantTally } from './runner.js';

/** The document of `--json`. */
export interface Report {
  ok: boolean;
  content: 'mongo' | 'postgres';
  took_ms: number;
  /** How many cases were mended, by invariant; null without `--repair`. */
  repaired: Partial<Record<InvariantId, number>> | null;
  invariants: {
    id: InvariantId;
    rule: string;
    /**
     * What was looked at: `{"pairs": 1200}`. Empty when there was nothing to check, as in a mode
     * without MongoDB.
     */
    checked: Record<string, number>;
    violations: number;
    took_ms: number;
    examples: { what: string; ids: Ids }[];
  }[];
}

const NOTHING: InvariantTally = { checked: {}, violations: 0, examples: [], mended: 0, tookMs: 0 };

export function reportOf(
  content: Report['content'],
  tookMs: number,
  tallies: Tallies,
  repairs: Tallies | null,
): Report {
  const invariants = (Object.keys(INVARIANTS) as InvariantId[]).map((id) => {
    const { checked, violations, tookMs: ms, examples } = tallies.get(id) ?? NOTHING;
    return { id, rule: INVARIANTS[id], checked, violations, took_ms: Math.round(ms), examples };
  });
  const mended =
    repairs &&
    Object.fromEntries(
      [...repairs].filter(([, tally]) => tally.mended > 0).map(([id, tally]) => [id, tally.mended]),
    );
  return {
    ok: invariants.every((one) => one.violations === 0),
    content,
    took_ms: Math.round(tookMs),
    repaired: mended,
    invariants,
  };
}

const counted = (n: number): string => n.toLocaleString('en');

/** The same for people. */
export function linesOf(report: Report): string {
  const lines = report.invariants.flatMap(
    ({ id, rule, checked, violations, took_ms, examples }) => {
      const looked = Object.entries(checked).map(([of, n]) => `${counted(n)} ${of}`);
      const state =
        looked.length === 0 ? 'not in this mode' : `${looked.join(', ')}, ${took_ms} ms`;
      const head = `${violations > 0 ? 'FAIL' : looked.length > 0 ? 'ok  ' : '-   '} ${id.padEnd(4)} ${rule} (${state})`;
      if (violations === 0) return [head];
      const more =
        violations > examples.length
          ? [`       … and ${counted(violations - examples.length)} more`]
          : [];
      return [
        `${head}: ${counted(violations)} found`,
        ...examples.map((one) => `       ${one.what}: ${idsText(one.ids)}`),
        ...more,
      ];
    },
  );
  return `${[...lines, ...repairLines(report), summaryOf(report)].join('\n')}\n`;
}

const idsText = (ids: Ids): string =>
  Object.entries(ids)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

function repairLines({ repaired }: Report): string[] {
  if (!repaired) return [];
  const parts = Object.entries(repaired).map(([id, n]) => `${counted(n)} of ${id}`);
  return [
    parts.length > 0 ? `Mended: ${parts.join(', ')}.` : 'There was nothing that could be mended.',
  ];
}

function summaryOf({ ok, invariants, took_ms, repaired }: Report): string {
  const seconds = (took_ms / 1000).toFixed(1);
  if (ok) return `Everything holds (${seconds} s).`;
  const total = invariants.reduce((sum, one) => sum + one.violations, 0);
  const hint = repaired
    ? 'docs/operations.md says what can be done.'
    : 'npm run fsck -- --repair mends what can be mended without a loss.';
  return `${counted(total)} violations (${seconds} s). ${hint}`;
}
