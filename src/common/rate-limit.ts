import { isIPv6 } from 'node:net';
import { type Problem, problems } from './problems.js';

/** How many requests one key (an account, or an address) may send in a window. */
export interface Policy {
  /** As it stands in the headers. */
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
}

/** What is left after a request was counted. */
export interface RateStanding {
  readonly allowed: boolean;
  readonly remaining: number;
  /** Until the window ends. */
  readonly resetSeconds: number;
}

/** The two headers of draft-ietf-httpapi-ratelimit-headers-11. */
export const policyHeader = ({ name, quota, windowSeconds }: Policy): string =>
  `"${name}";q=${quota};w=${windowSeconds}`;
export const standingHeader = (
  { name }: Policy,
  { remaining, resetSeconds }: RateStanding,
): string => `"${name}";r=${remaining};t=${resetSeconds}`;

/** The refusal of a request that is over the quota. */
export const tooMany = (policy: Policy, standing: RateStanding, detail?: string): Problem =>
  problems.rateLimited({
    ...(detail && { detail }),
    headers: {
      'retry-after': String(standing.resetSeconds),
      'ratelimit-policy': policyHeader(policy),
      ratelimit: standingHeader(policy, standing),
    },
  });

/**
 * What an address counts as: an IPv4 address for itself, an IPv6 address with its /64, since any
 * home has 2^64 of them.
 */
export function addressKey(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(ip)) return ip;
  const [head = '', tail] = (ip.split('%')[0] as string).split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
