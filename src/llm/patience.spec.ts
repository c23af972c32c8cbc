import { setTimeout as sleep } from 'node:timers/promises';
import { standStill } from '../../test/support/standing-still.js';
import { Patience } from './patience.js';

const LIMITS = { firstMs: 800, idleMs: 800, wholeMs: 60_000 };

describe('the patience with a provider', () => {
  let patience: Patience;
  beforeEach(() => (patience = new Patience(LIMITS, new AbortController().signal)));
  afterEach(() => patience.end());

  it('is not over because this process stood still', async () => {
    const heard = patience.hear(() => sleep(900, 'a word'));
    standStill(1000);
    expect(await heard).toBe('a word');
    expect(patience.fault).toBeNull();
  });

  it('is over when the provider is silent for too long while this process runs', async () => {
    await patience.hear(
      () => new Promise((resolve) => patience.signal.addEventListener('abort', resolve)),
    );
    expect(patience.fault).toMatchObject({ code: 'provider_timeout' });
  });
});
