import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BodyMeter, type Budget, type Cost } from '../support/body-meter.js';
import {
  bodySchemaOf,
  examplePathOf,
  goodBodyOf,
  shapesFor,
  type Size,
} from '../support/body-shapes.js';
import { type Operation, operations } from '../support/contract.js';

/**
 * What the CPU may be asked for by a body, as multiples of what `JSON.parse` of the same bytes
 * takes in the same run. Measured is all that happens to a request in the server until its handler
 * would be called, the fingerprint of its `Idempotency-Key` and the answer that refuses it too; not
 * the handler with its stores. What the same request costs with a body of two bytes is taken off.
 */
const BUDGET: Budget = { most: { refused: 3, accepted: 10 }, freeMs: 2 };

const ACCEPTED = 299;
const TOO_LARGE = 413;
const OURS: Size = { values: 10_000, bytes: 512 * 1024 };
const PARTS: Size = { values: 100_000, bytes: 2 * 1024 * 1024 };
const CHATS: Size = { values: 200_000, bytes: 8 * 1024 * 1024 };
const [TOO_LARGE_FOR_OURS, TOO_LARGE_FOR_PARTS] = [OURS, PARTS].map(({ bytes }) => [
  Buffer.from(`{"a":"${'x'.repeat(bytes)}"}`),
]) as [Buffer[], Buffer[]];

let meter: BodyMeter;

beforeAll(async () => {
  meter = await BodyMeter.start();
});
afterAll(() => meter.stop());

const costOf = (operation: Operation, payload: readonly Buffer[]): Promise<Cost> =>
  meter.costOf(
    { method: operation.method.toUpperCase(), url: examplePathOf(operation), payload },
    BUDGET,
  );

const textOf = (name: string, { statusCode, ms, parseMs }: Cost): string =>
  `${name} (${statusCode}): ${ms.toFixed(1)} ms, JSON.parse ${parseMs.toFixed(1)} ms`;

describe('the CPU that a body may ask for (S1, S2)', () => {
  const withBody = operations
    .filter(bodySchemaOf)
    // Of a file nobody parses the whole.
    .filter(({ requestBody }) => !requestBody!.content['application/octet-stream'])
    .map((operation): [string, Operation] => [operation.operationId, operation]);

  it('is measured for every operation that takes one', () =>
    expect(withBody.length).toBeGreaterThan(30));

  it.each(withBody)(
    '%s keeps to its budget',
    async (_id, operation) => {
      const good = await costOf(operation, [Buffer.from(JSON.stringify(goodBodyOf(operation)))]);
      expect(good.statusCode).toBe(ACCEPTED);
      const large = await costOf(operation, TOO_LARGE_FOR_OURS);
      const larger = await costOf(operation, TOO_LARGE_FOR_PARTS);
      const most = larger.statusCode === TOO_LARGE ? PARTS : CHATS;
      const size = large.statusCode === TOO_LARGE ? OURS : most;

      const excesses: string[] = [];
      for (const { name, body } of shapesFor(operation, size)) {
        const cost = await costOf(operation, body);
        expect([
          name,
          cost.statusCode,
          [ACCEPTED, 400, TOO_LARGE, 422].includes(cost.statusCode),
        ]).toEqual([name, cost.statusCode, true]);
        if (cost.ms > cost.maxMs) excesses.push(textOf(name, cost));
      }

      expect(excesses).toEqual([]);
    },
    // On a busy machine; the times that are compared are those of the CPU.
    600_000,
  );
});
