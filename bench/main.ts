import { makeBed } from './bed.js';
import { Machine } from './machine.js';
import { HELP, type Options, optionsOf } from './options.js';
import { type Finding, jsonOf, tableOf } from './report.js';
import { append } from './scenarios/append.js';
import { buffers } from './scenarios/buffers.js';
import { firstToken } from './scenarios/first-token.js';
import { flatness } from './scenarios/flatness.js';
import { fork } from './scenarios/fork.js';
import { pages } from './scenarios/pages.js';
import { ping } from './scenarios/ping.js';
import { rows } from './scenarios/rows.js';
import { relay } from './scenarios/relay.js';
import type { Scenario } from './scenarios/scenario.js';
import { search } from './scenarios/search.js';
import { wal } from './scenarios/wal.js';
import { withStage } from './stage.js';

/**
 * Appends come last but for the log: they leave rows behind that a vacuum would clear away beside
 * other measurements.
 */
const SCENARIOS: readonly Scenario[] = [
  ping,
  buffers,
  pages,
  rows,
  flatness,
  fork,
  firstToken,
  relay,
  append,
  wal,
  search,
];

const started = performance.now();
const say = (line: string): void => {
  const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
  process.stderr.write(`${seconds} s  ${line}\n`);
};

async function measure(options: Options): Promise<Finding[]> {
  const wanted = SCENARIOS.filter(
    ({ ids }) => options.only.size === 0 || ids.some((id) => options.only.has(id)),
  );
  return withStage(options, async (stage) => {
    say(
      `PostgreSQL (fsync on), Banyan and its peers are running; making a chat of ${options.bigPairs} pairs`,
    );
    const bed = await makeBed(stage, options);
    const findings: Finding[] = [];
    const machine = new Machine();
    for (const { ids, play } of wanted) {
      const name = ids.join(', ');
      say(`${name} …`);
      await bed.findable();
      machine.sample();
      findings.push(await play({ stage, bed, options, say: (line) => say(`${name} ${line}`) }));
    }
    return [...findings, { rows: [], details: [machine.told()] }];
  });
}

/**
 * A bench is a measurement, not a gate: it ends with 0 whatever it measured, and with 1 when it
 * could not.
 */
export async function main(args: readonly string[]): Promise<number> {
  const options = optionsOf(args);
  if (options === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const findings = await measure(options);
  say('done');
  process.stdout.write(`${options.json ? jsonOf(findings, options) : tableOf(findings)}\n`);
  return 0;
}
