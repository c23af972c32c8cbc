// npm test: builds when needed, runs jest with the given arguments, and ends with one line: N passed, N failed, N skipped
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfStale } from './build-if-stale.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

async function runJest(args, summaryFile) {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']; // ESM under jest
  const env = {
    ...process.env,
    BANYAN_TEST_SUMMARY: summaryFile,
    NODE_OPTIONS: [process.env.NODE_OPTIONS, ...flags].filter(Boolean).join(' '),
  };
  const reporters = ['--reporters=default', `--reporters=${join(ROOT, 'test/support/summary-reporter.mjs')}`];
  const child = spawn(process.execPath, [join(ROOT, 'node_modules/jest/bin/jest.js'), ...args, ...reporters], {
    cwd: ROOT,
    env,
    stdio: 'inherit',
  });
  // Ctrl-C reaches jest by itself; it then stops its databases, and this process has to wait for that.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

async function main() {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-summary-'));
  const summaryFile = join(dir, 'summary.json');
  try {
    await buildIfStale();
    const code = await runJest(process.argv.slice(2), summaryFile);
    if (!existsSync(summaryFile)) return code; // --help, --version, --listTests; or jest could not start, then code says so
    const { passed, failed, skipped, leftOut } = JSON.parse(readFileSync(summaryFile, 'utf8'));
    for (const sentence of leftOut) console.log(`Left out: ${sentence}`);
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
