// npm test: builds when needed, runs jest, and ends with one line: N passed, N failed, N skipped.
// Arguments are those of jest.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './build-if-stale.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** They fill a machine, or measure it: nothing else runs beside them. */
const ALONE = ['answers-many', 'body-floods', 'socket-floods', 'auth']
  .map((name) => `/test/e2e/${name}\\.e2e-spec\\.ts$`)
  .join('|');

/** The files of `npm run test:unit`, which need neither a build nor a database. */
const UNIT = 'src/';

/**
 * As many as there are cores, of few. One more fills their waits, and makes a store seem to be away
 * for longer than the deadlines that other files hold.
 */
const WORKERS = Math.max(availableParallelism() / 2, Math.min(availableParallelism(), 4));

/**
 * With arguments one run of jest; without, all files, some at a time, and then those that run
 * alone.
 */
function runsOf(args) {
  if (args.length > 0) return [args];
  return [
    [`--maxWorkers=${Math.floor(WORKERS)}`, `--testPathIgnorePatterns=${ALONE}`],
    ['--runInBand', ALONE],
  ];
}

async function runJest(args, summaryFile) {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']; // ESM under jest
  const env = {
    ...process.env,
    BANYAN_TEST_SUMMARY: summaryFile,
    NODE_OPTIONS: [process.env.NODE_OPTIONS, ...flags].filter(Boolean).join(' '),
  };
  const reporters = [
    '--reporters=default',
    `--reporters=${join(ROOT, 'test/support/summary-reporter.mjs')}`,
  ];
  const child = spawn(
    process.execPath,
    [join(ROOT, 'node_modules/jest/bin/jest.js'), ...args, ...reporters],
    {
      cwd: ROOT,
      env,
      stdio: 'inherit',
    },
  );
  const stop = () => child.kill('SIGTERM');
  process.once('SIGTERM', stop);
  const [code] = await once(child, 'exit');
  process.off('SIGTERM', stop);
  return code ?? 1;
}

/**
 * What the runs count together. `isWhole` is false when one of them counted nothing: it could not
 * start, or was only asked something.
 */
async function runAll(runs, summaryFile) {
  const sum = { passed: 0, failed: 0, skipped: 0, failures: [], leftOut: new Set(), code: 0 };
  for (const args of runs) {
    rmSync(summaryFile, { force: true });
    const code = await runJest(args, summaryFile);
    sum.code ||= code;
    if (!existsSync(summaryFile)) return { ...sum, code, isWhole: false };
    const { passed, failed, skipped, failures, leftOut } = JSON.parse(
      readFileSync(summaryFile, 'utf8'),
    );
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
    sum.failures.push(...failures);
    for (const sentence of leftOut) sum.leftOut.add(sentence);
  }
  return { ...sum, isWhole: true };
}

async function main() {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-summary-'));
  const summaryFile = join(dir, 'summary.json');
  try {
    const args = process.argv.slice(2);
    if (!args.includes(UNIT)) await buildIfStale();
    // Ctrl-C reaches jest by itself; it then stops its databases, and this process has to wait for
    // that.
    process.on('SIGINT', () => {});
    const { passed, failed, skipped, failures, leftOut, code, isWhole } = await runAll(
      runsOf(args),
      summaryFile,
    );
    if (!isWhole) return code; // --help, --version, --listTests; or jest could not start, then code says so
    for (const sentence of leftOut) console.log(`Left out: ${sentence}`);
    if (failures.length > 0) console.log(['What failed:', ...failures].join('\n\n'));
    if (passed + failed === 0) console.log('No test ran.');
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    return code || (failed > 0 || passed === 0 ? 1 : 0);
  } catch (error) {
    console.error(error.message);
    return 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

process.exitCode = await main();
