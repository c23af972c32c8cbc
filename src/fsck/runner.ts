import { setTimeout as sleep } from 'node:timers/promises';
import { untilDone } from '../database/database.js';
import {
  type Check,
  type Finding,
  identityOf,
  type Ids,
  type InvariantId,
  RECHECK_MS,
} from './check.js';

/** How many cases of one invariant are kept to be shown; all are counted. */
export const EXAMPLES_MAX = 20;
const SUSPECTS_MAX = 1000;

export interface Example {
  what: string;
  ids: Ids;
}

/** What is known of one invariant after a walk. */
export interface InvariantTally {
  /** How many of what were looked at, over all checks of this invariant. */
  checked: Record<string, number>;
  violations: number;
  examples: Example[];
  mended: number;
  tookMs: number;
}

export type Tallies = Map<InvariantId, InvariantTally>;

export interface RunOptions {
  repair: boolean;
  /** Waits a tenth before each further look. */
  quick: boolean;
  onProgress: (of: string, count: number) => void;
}

const emptyTally = (): InvariantTally => ({
  checked: {},
  violations: 0,
  examples: [],
  mended: 0,
  tookMs: 0,
});

/** Walks that are made side by side: they mostly wait, for the stores and to look again. */
const WALKS_AT_ONCE = 4;

/**
 * Makes all walks. With `repair` they are made one after the other, and each case is mended as soon
 * as it is certain, and counted as mended.
 */
export async function runChecks(checks: readonly Check[], options: RunOptions): Promise<Tallies> {
  const tallies: Tallies = new Map();
  const left = checks.values();
  const walkAll = async (): Promise<void> => {
    for (const check of left) await timed(check, tallies, options);
  };
  await Promise.all(Array.from({ length: options.repair ? 1 : WALKS_AT_ONCE }, walkAll));
  return tallies;
}

async function timed(check: Check, tallies: Tallies, options: RunOptions): Promise<void> {
  const started = performance.now();
  await walk(check, tallies, options);
  // Invariants that are checked in one walk share its time.
  const share = (performance.now() - started) / check.invariants.length;
  for (const id of check.invariants) tallyOf(tallies, id).tookMs += share;
}

function tallyOf(tallies: Tallies, id: InvariantId): InvariantTally {
  const tally = tallies.get(id) ?? emptyTally();
  tallies.set(id, tally);
  return tally;
}

async function walk(check: Check, tallies: Tallies, options: RunOptions): Promise<void> {
  let count = 0;
  let suspects: Finding[] = [];
  const settleSuspects = async (): Promise<void> => {
    for (const finding of await certain(check, suspects, options))
      await settle(finding, tallies, options);
    suspects = [];
  };
  for (
    let keys = await check.window(null);
    keys.length > 0;
    keys = await check.window(keys.at(-1))
  ) {
    const findings = await check.inspect(keys);
    suspects.push(...findings.filter(({ healing }) => options.repair || !healing));
    // Looked at again many at a time: each further look has to wait.
    if (suspects.length >= SUSPECTS_MAX) await settleSuspects();
    count += keys.length;
    options.onProgress(check.of, count);
  }
  await settleSuspects();
  for (const id of check.invariants) {
    const { checked } = tallyOf(tallies, id);
    checked[check.of] = (checked[check.of] ?? 0) + count;
  }
}

/** The findings that are still there at every further look. */
async function certain(
  check: Check,
  suspects: readonly Finding[],
  { quick }: RunOptions,
): Promise<readonly Finding[]> {
  let findings = suspects;
  for (const ms of check.recheckMs ?? RECHECK_MS) {
    if (findings.length === 0) return [];
    await sleep(quick ? ms / 10 : ms);
    const before = new Set(findings.map(identityOf));
    const keys = [...new Map(findings.map(({ key }) => [JSON.stringify(key), key])).values()];
    findings = (await check.inspect(keys)).filter((finding) => before.has(identityOf(finding)));
  }
  return findings;
}

async function settle(finding: Finding, tallies: Tallies, { repair }: RunOptions): Promise<void> {
  const tally = tallyOf(tallies, finding.invariant);
  const { mend } = finding;
  // A server may be at work meanwhile.
  if (repair && mend && (await untilDone(mend))) tally.mended++;
  else if (!finding.healing) {
    tally.violations++;
    if (tally.examples.length < EXAMPLES_MAX)
      tally.examples.push({ what: finding.what, ids: finding.ids });
  }
}
