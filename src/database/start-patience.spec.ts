import { expect, it } from '@jest/globals';
import { untilPostgresIsThere } from './start-patience.js';

/** Nobody listens there. */
const NOWHERE = 'postgres://nobody:secret@127.0.0.1:9/none';

it('(S7d) a start that has waited its time out says the setting, the place and the mend, and no secret', async () => {
  const said: string[] = [];
  const waiting = untilPostgresIsThere(NOWHERE, {
    say: (sentence) => said.push(sentence),
    isOver: () => false,
    patienceMs: 0,
  });
  await expect(waiting).rejects.toThrow(
    /^PostgreSQL at 127\.0\.0\.1:9\/none \(DATABASE_URL\) cannot be used: .*\. Waited \d+ s\. Start it, or correct DATABASE_URL\.$/,
  );
  await expect(waiting).rejects.not.toThrow(/secret/);
  expect(said).toEqual([]);
});

it('(S7d) one that is stopped meanwhile waits no more', async () => {
  const said: string[] = [];
  await untilPostgresIsThere(NOWHERE, {
    say: (sentence) => said.push(sentence),
    isOver: () => said.length > 0,
  });
  expect(said).toEqual([expect.stringMatching(/Waiting for it …$/)]);
});
