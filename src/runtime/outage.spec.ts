import { expect, it } from '@jest/globals';
import { Outage } from './outage.js';

it('an outage is told when it begins, with its cause, and not again before it has ended', () => {
  const told: string[] = [];
  const outage = new Outage((cause) => told.push(cause));
  outage.end();
  for (const cause of ['away', 'away still']) outage.begin(new Error(cause));
  expect(told).toEqual(['away']);
  outage.end();
  outage.begin('away again');
  expect(told).toEqual(['away', 'away again']);
});
