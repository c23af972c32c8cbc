import { describe, expect, it } from '@jest/globals';
import { addressKey, policyHeader, standingHeader } from './rate-limit.js';

describe('the key of a client address', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002:ffff::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('%s counts as %s', (ip, key) => {
    expect(addressKey(ip)).toBe(key);
  });
});

describe('the headers', () => {
  const policy = { name: 'default', quota: 100, windowSeconds: 60 };

  it('have the syntax of draft 11', () => {
    expect(policyHeader(policy)).toBe('"default";q=100;w=60');
    expect(standingHeader(policy, { allowed: true, remaining: 50, resetSeconds: 30 })).toBe(
      '"default";r=50;t=30',
    );
  });
});
