import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../support/import-memory.mjs', import.meta.url));

describe('an export of 230 MB, of more than 200,000 messages', () => {
  it('goes through in under 200 MB of memory', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, '230']);
    const told = JSON.parse(stdout) as Record<string, number>;
    expect(told.bytes).toBeGreaterThan(230e6);
    expect(told.messages).toBeGreaterThan(200_000);
    expect(told.peakMb).toBeLessThan(200);
  }, 120_000);
});
