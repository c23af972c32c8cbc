import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { problems } from '../../src/common/problems.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const kinds = Object.entries(problems).map(([name, { kind }]) => ({ name, ...kind }));
const sections = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  .split(/^## /m)
  .slice(1)
  .map((section) => {
    const [heading = '', ...paragraphs] = section.trim().split(/\n{2,}/);
    return {
      code: heading.replaceAll('`', ''),
      status: Number(/^\*\*(\d{3})\.\*\* /.exec(paragraphs[0] ?? '')?.[1]),
      paragraphs,
    };
  });

describe('docs/errors.md', () => {
  it('has a section for each code that there is, and for no other, in the order of the catalogue', () => {
    expect(sections.map(({ code }) => code)).toEqual(kinds.map(({ code }) => code));
  });

  it('tells the right status, when it happens, and what to do', () => {
    const told = sections.map(({ code, status, paragraphs }) => ({
      code,
      status,
      paragraphs: paragraphs.length,
    }));
    expect(told).toEqual(kinds.map(({ code, status }) => ({ code, status, paragraphs: 2 })));
  });
});

describe('the catalogue', () => {
  it('has no code twice, in one form', () => {
    expect(new Set(kinds.map(({ code }) => code)).size).toBe(kinds.length);
    for (const { code, title } of kinds)
      expect([code, title]).toEqual([
        expect.stringMatching(/^[a-z]+(_[a-z]+)*$/),
        expect.stringMatching(/^[A-Z].*\.$/),
      ]);
  });

  it('has no code that nothing throws', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => /(?<!\.spec)\.ts$/.test(file),
    );
    const source = files.map((file) => readFileSync(join(root, 'src', file), 'utf8')).join('\n');
    const thrown = new Set([...source.matchAll(/problems\.(\w+)\(/g)].map(([, name]) => name));
    expect(kinds.filter(({ name }) => !thrown.has(name)).map(({ code }) => code)).toEqual([]);
  });
});
