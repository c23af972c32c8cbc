import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { MODES, startTestApp } from '../support/app.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The code block that follows a comment. */
function blockAfter(comment: string): string {
  const [, block] = README.slice(README.indexOf(`<!-- ${comment}`)).match(/```\w+\n([\s\S]*?)```/)!;
  return block!;
}

const withoutIdsAndTimes = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .trim();

describe('the example of the README', () => {
  it.each(MODES)('runs as printed and prints what it says, words in %s', async (mode) => {
    const server = await startTestApp(mode);
    try {
      const script = blockAfter('example').replace('http://127.0.0.1:3000', server.url);
      const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script]);
      expect(stderr).toBe('');
      expect(withoutIdsAndTimes(stdout)).toBe(withoutIdsAndTimes(blockAfter('output')));
    } finally {
      await server.close();
    }
  });

  it('names only files that exist', () => {
    for (const [, file] of README.matchAll(/\]\(([^)#]+)\)/g)) {
      if (!/^https?:/.test(file!)) expect(() => readFileSync(new URL(`../../${file}`, import.meta.url))).not.toThrow(/ENOENT/);
    }
  });
});
