import { expect, it } from '@jest/globals';
import pg from 'pg';
import { QueryFailedError } from 'typeorm';
import { isLockTimeout, isUniqueViolation, isVictim, sqlStateOf } from './pg-errors.js';

const thrown = (code: string): Error =>
  Object.assign(new pg.DatabaseError('no', 0, 'error'), { code });

it('an error has the same name whether the driver throws it or TypeORM', () => {
  const error = thrown('23505');
  expect([error, new QueryFailedError('INSERT', [], error)].map(sqlStateOf)).toEqual([
    '23505',
    '23505',
  ]);
  expect([error, new QueryFailedError('INSERT', [], error)].map(isUniqueViolation)).toEqual([
    true,
    true,
  ]);
});

it('what is rolled back for the sake of others is told from all else', () => {
  expect(
    ['40P01', '40001', '40002', '55P03', '23505'].map((code) => isVictim(thrown(code))),
  ).toEqual([true, true, false, false, false]);
  expect(['55P03', '40P01'].map((code) => isLockTimeout(thrown(code)))).toEqual([true, false]);
});

it('what has no name has none', () => {
  for (const error of [new Error('x'), null, undefined, 'x', {}])
    expect(sqlStateOf(error)).toBe('');
});
