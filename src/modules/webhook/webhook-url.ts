import { isIP } from 'node:net';
import type { Config } from '../../config/config.js';
import { isAllowedAddress, type Network, networkOf } from './public-address.js';

/** Where webhooks may go, as the operator says. */
export interface AddressRules {
  /** Besides the addresses of the internet. */
  networks: readonly Network[];
  /** Hosts, and `*.` with a domain for all below it; none: any. */
  hosts: readonly string[];
}

export const allowedBy = ({
  WEBHOOK_ALLOWED_PRIVATE_NETWORKS,
  WEBHOOK_HOSTS,
}: Config): AddressRules => ({
  networks: WEBHOOK_ALLOWED_PRIVATE_NETWORKS.map(networkOf),
  hosts: WEBHOOK_HOSTS.map((host) => host.toLowerCase()),
});

/** The host of a URL as sockets want it: IPv6 addresses without their brackets. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

/**
 * Whether the host of a URL is one of those; where a name leads is another question, asked whenever
 * it is connected to.
 */
export function isAllowedHost(host: string, { hosts, networks }: AddressRules): boolean {
  const isListed =
    hosts.length === 0 ||
    hosts.some((one) => (one.startsWith('*.') ? host.endsWith(one.slice(1)) : host === one));
  return isListed && (isIP(host) === 0 || isAllowedAddress(host, networks));
}

/**
 * What is wrong with the address of a receiver, to be read after its field's name; null when
 * nothing is. A name may lead anywhere: where it leads is looked at whenever it is connected to
 * (`receiver-client.ts`).
 */
export function urlFault(text: string, allowed: AddressRules): string | null {
  if (!URL.canParse(text)) return 'must be an absolute https URL';
  const url = new URL(text);
  if (url.protocol !== 'https:') return 'must begin with https://';
  if (url.username || url.password) return 'must not hold a user name or a password';
  if (url.hash) return 'must not have a part after #';
  if (!isAllowedHost(hostOf(url), allowed))
    return 'must have a host that this server sends to, and no private or reserved address';
  return null;
}
