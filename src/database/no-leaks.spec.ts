import { describe, expect, it } from '@jest/globals';
import { Linter } from 'eslint';

const { noLeaks } = (await import(new URL('../../scripts/no-leaks.mjs', import.meta.url).href)) as {
  noLeaks: object;
};
const config = {
  plugins: { banyan: { rules: { 'no-leaks': noLeaks } } },
  rules: { 'banyan/no-leaks': 'error' },
} as Linter.Config;
const leaksOf = (code: string): number => new Linter().verify(code, config).length;

describe('the linter lets the work of a transaction keep nothing but what it returns', () => {
  it.each([
    'let made; once(async (tx) => { made = await work(tx); });',
    'const made = []; once(async (tx) => { made.push(await work(tx)); });',
    'const made = []; once(async (tx) => { for (const one of all) made[0] = one; });',
    'const done = {}; once(async (tx) => { done.made = await work(tx); });',
    'const made = []; once((tx) => all((one) => made.push(work(tx, one))));',
    'async function all(tx, made) { made.length = 0; }',
    'async function all(tx, made) { made.delete(await work(tx)); }',
    'class A { work(tx) { this.made = 1; } }',
    'class A { work(tx) { return all(() => { this.made.count++; }); } }',
  ])('refused: %s', (code) => expect(leaksOf(code)).toBeGreaterThan(0));

  it.each([
    'once(async (tx) => { const made = []; for (const one of all) made.push(await work(tx, one)); return made; });',
    'let n = 0; once((tx) => work(tx)); n++;',
    'once(async (tx) => { await tx.delete(Row, { id }); await all(() => tx.delete(Other, { id })); });',
    'class A { async work(tx) { const { rows } = await tx.query(this.text); this.noted(rows); return rows; } }',
  ])('allowed: %s', (code) => expect(leaksOf(code)).toBe(0));
});
