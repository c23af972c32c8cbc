import { encodeCursor } from '../../src/common/cursor.js';
import { Person } from '../person.js';
import { type Finding, type Row, short } from '../report.js';
import { median, spreadOf } from '../rounds.js';
import { assertWhole, believingShort } from '../seed.js';
import { pairOf } from '../text.js';
import type { Play, Scenario } from './scenario.js';

const LEVELS = 50;
/** Every tree has at least as many pairs, so all answers are of one length. */
const LIMIT = 10;
const SMALL = 10;
const MIDDLE = 1000;
const CALLS = 25;
const CONTROL_DIFFERENCE_MAX = 0.15;

/** A root with its pairs, and the end of a chain of branches on it. */
interface Tree {
  main: string;
  deep: string;
  /** A page of the root before this `seq` is of its middle. */
  middle: number;
}

type TreeName = 'small' | 'control' | 'middle' | 'big';
const TREES: readonly TreeName[] = ['small', 'control', 'middle', 'big'];
/** Milliseconds of each call, by operation and tree. */
type Times = Map<string, Map<TreeName, number[]>>;

/**
 * P1: what a call takes in a chat of 100 000 pairs and in one of 10, both with a chain of branches
 * 50 levels deep; call by call in turn. A thousand chats of one pair are beside them, and
 * PostgreSQL believes that all are so short. Each statement has run more than ten times on each
 * connection when the first round that counts begins, so its plan is the one that stays.
 */
export const flatness: Scenario = {
  ids: ['P1'],
  play: (play) => believingShort(play.stage.sql, () => measure(play)),
};

async function measure(play: Play): Promise<Finding> {
  const { stage, bed, options, say } = play;
  const person = await Person.of(stage);
  const mains = { middle: await bed.filled(MIDDLE), big: bed.big };
  const clean: Times[] = [];
  const all: Times[] = [];
  for (let n = 0; clean.length < options.rounds && n < options.rounds * 2 + 2; n++) {
    const times = await oneRound(play, person, mains);
    const difference = controlDifference(times);
    const dropped = difference > CONTROL_DIFFERENCE_MAX;
    if (n === 0) continue; // warm-up
    all.push(times);
    if (!dropped) clean.push(times);
    say(
      `round ${n}: two chats of ${SMALL} pairs differ by ${(difference * 100).toFixed(0)} %${dropped ? ': DROPPED' : ''}`,
    );
  }
  person.close();
  await assertWhole(stage.sql, stage.accountId);
  const noisy = clean.length < options.rounds;
  return findingOf(
    noisy ? all : clean,
    bed.bigPairs,
    noisy ? 'TOO NOISY, all rounds count' : `${all.length - clean.length} dropped`,
  );
}

async function oneRound(
  { bed }: Play,
  person: Person,
  mains: { middle: string; big: string },
): Promise<Times> {
  const trees = new Map<TreeName, Tree>();
  for (const name of TREES) {
    const main = name === 'middle' || name === 'big' ? mains[name] : await bed.filled(SMALL);
    const pairs = { small: SMALL, control: SMALL, middle: MIDDLE, big: bed.bigPairs }[name];
    trees.set(name, {
      main,
      deep: await person.chain(main, LEVELS, pairOf(0)),
      middle: Math.max(LIMIT, pairs / 2) + 1,
    });
  }
  const times: Times = new Map();
  for (let call = 0; call < CALLS; call++) {
    const heads = new Map<string, string>();
    for (const [operation, run] of operationsOf(person, heads, pairOf(call))) {
      const order = call % 2 === 0 ? TREES : TREES.toReversed();
      for (const name of order)
        note(times, operation, name, await timeOf(() => run(trees.get(name)!)));
    }
  }
  return times;
}

type Operation = (tree: Tree) => Promise<unknown>;

/**
 * What is measured, in an order in which each page is a new one: an append in the same chat comes
 * before it.
 */
function operationsOf(
  person: Person,
  heads: Map<string, string>,
  pair: object,
): [string, Operation][] {
  return (['main', 'deep'] as const).flatMap((place) => {
    const where = place === 'main' ? 'the root' : `level ${LEVELS}`;
    return [
      [
        `append, ${where}`,
        async (tree) => heads.set(tree[place], await person.append(tree[place], pair)),
      ],
      [
        `first page, ${where}`,
        (tree) =>
          person.call(
            'GET',
            `/chats/${tree[place]}/messages?limit=${LIMIT}&after=${encodeCursor(tree[place], 0)}`,
          ),
      ],
      [
        `last page, ${where}`,
        (tree) => person.call('GET', `/chats/${tree[place]}/messages?limit=${LIMIT}`),
      ],
      [
        `page of the middle, ${where}`,
        (tree) =>
          person.call(
            'GET',
            `/chats/${tree[place]}/messages?limit=${LIMIT}&before=${encodeCursor(tree[place], tree.middle)}`,
          ),
      ],
      [
        `one pair, ${where}`,
        (tree) => person.call('GET', `/chats/${tree[place]}/messages/${heads.get(tree[place])!}`),
      ],
      [`create branch, ${where}`, (tree) => person.branch(tree[place], heads.get(tree[place])!)],
    ] satisfies [string, Operation][];
  });
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function note(times: Times, operation: string, tree: TreeName, ms: number): void {
  const ofOperation = times.get(operation) ?? new Map<TreeName, number[]>();
  times.set(operation, ofOperation);
  ofOperation.set(tree, [...(ofOperation.get(tree) ?? []), ms]);
}

const medianOf = (times: Times, operation: string, tree: TreeName): number =>
  median(times.get(operation)!.get(tree)!);

/** Both of the control pair are as small: what they differ in, over all operations, is noise. */
function controlDifference(times: Times): number {
  const ratios = [...times.keys()].map(
    (operation) => medianOf(times, operation, 'control') / medianOf(times, operation, 'small'),
  );
  return Math.abs(median(ratios) - 1);
}

function findingOf(rounds: readonly Times[], bigPairs: number, noise: string): Finding {
  const operations = [...rounds[0]!.keys()];
  const ratio = (operation: string, tree: TreeName) =>
    spreadOf(
      rounds.map((times) => medianOf(times, operation, tree) / medianOf(times, operation, 'small')),
    );
  const rows = operations.map((operation): Row => {
    const what = `${operation}: ${bigPairs} pairs / ${SMALL} pairs`;
    return {
      id: 'P1',
      what,
      ratio: ratio(operation, 'big'),
      held: { sign: '<=', bar: 1.1, aim: 1.05 },
    };
  });
  const details = operations.map((operation) => {
    const spreads = (['control', 'middle'] as const).map((tree) => {
      const { min, med, max } = ratio(operation, tree);
      return `${short(min)} / ${short(med)} / ${short(max)}`;
    });
    const ms = TREES.map((tree) =>
      short(median(rounds.map((times) => medianOf(times, operation, tree)))),
    );
    return `  ${operation}: ${SMALL} again / ${SMALL} (noise alone) ${spreads[0]}; ${MIDDLE} / ${SMALL} ${spreads[1]}; ms ${ms.join(', ')}`;
  });
  return {
    rows,
    details: [
      `P1 latency of one client: ${rounds.length} rounds of ${CALLS} calls, ${noise}; ms at ${SMALL}, ${SMALL} again, ${MIDDLE}, ${bigPairs} pairs`,
      ...details,
    ],
  };
}
