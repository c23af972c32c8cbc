import { fileURLToPath } from 'node:url';
import { FAILPOINTS } from '../../src/common/failpoint.js';
import { type Mode, MODES } from '../support/app.js';
import { MAIN } from '../support/server-process.js';
import { ofLength } from './length.js';
import { runScenario } from './scenario.js';

const seconds = Number(process.env.CRASH_SECONDS || ofLength(5, 40));
const seed = Number(process.env.CRASH_SEED || Date.now() % 1_000_000_007);

const NAIVE = fileURLToPath(new URL('./naive/server.mjs', import.meta.url));
/**
 * Long enough for the slowest machine; the run itself ends after `seconds` and what it takes to
 * reach every failpoint.
 */
const TIMEOUT_MS = (seconds + 240) * 1000;

/**
 * Places that this mode has: without MongoDB there is no journal and no relay. Others are reached
 * by tests of their own.
 */
const failpointsOf = (mode: Mode): string[] =>
  FAILPOINTS.filter(
    (name) => name.startsWith('append.') || (mode === 'mongo' && /^(journal|relay)\./.test(name)),
  );

describe.each(MODES)('kill -9 of any instance at any moment, words in %s', (mode) => {
  it(
    'loses nothing that was answered, stores nothing twice, and leaves both stores of one mind',
    async () => {
      const failpoints = failpointsOf(mode);
      const history = await runScenario({
        mode,
        script: MAIN,
        branches: true,
        // Once is enough to see them do it.
        migrated: mode !== 'postgres',
        failpoints,
        seconds,
        seed,
      });
      process.stderr.write(`crash test, words in ${mode}, ${history.summary()}\n`);
      if (history.violations.length > 0) throw new Error(history.failure());
      expect([...history.failpoints.keys()].sort()).toEqual([...failpoints].sort());
      expect(history.counts.acknowledged).toBeGreaterThan(20);
      expect(history.counts.unknown).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  // The control: were the order of writes the obvious one, this same test would have to see it. If
  // it does not, it tests nothing.
  it(
    'is seen to lose words and to store twice where they are written after the commit and the key apart from it',
    async () => {
      const failpoints = ['naive.after_commit', 'naive.after_words'];
      const history = await runScenario({
        mode,
        script: NAIVE,
        branches: false,
        migrated: true,
        failpoints,
        seconds: 4,
        seed,
      });
      process.stderr.write(`control, words in ${mode}, ${history.summary()}\n`);
      // Which of the two readers see depends on whether the post that died was tried again: a pair
      // that is there twice, or one without words.
      expect(
        [...history.kinds].filter((kind) => kind === 'stored twice' || kind === 'nobody sent it'),
      ).not.toEqual([]);
      expect([...history.kinds]).toContain('fsck');
      expect(
        history.violations
          .filter(({ kind }) => kind === 'fsck')
          .map(({ detail }) => detail.split(' ')[0]),
      ).toContain('I3');
    },
    TIMEOUT_MS,
  );
});
