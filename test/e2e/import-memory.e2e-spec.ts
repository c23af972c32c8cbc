import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../support/import-memory.mjs', import.meta.url));
/** Beside other work the collector gets its turn late: the least of so many tries counts. */
const TRIES = 3;
const MOST_MB = 200;

describe('an export of 230 MB, of more than 200,000 messages', () => {
  it('goes through in under 200 MB of memory', async () => {
    const peaks: number[] = [];
    while (peaks.length < TRIES && !peaks.some((peak) => peak < MOST_MB)) {
      const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, '230']);
      const told = JSON.parse(stdout) as Record<string, number>;
      expect(told.bytes).toBeGreaterThan(230e6);
      expect(told.messages).toBeGreaterThan(200_000);
      peaks.push(told.peakMb!);
    }
    expect(Math.min(...peaks)).toBeLessThan(MOST_MB);
  }, 300_000);
});
