import { isIP } from 'node:net';
import { isAllowedAddress, type Network } from './public-address.js';

/** The host of a URL as sockets want it: IPv6 addresses without their brackets. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

/**
 * What is wrong with the address of a receiver, to be read after its field's name; null when nothing is. A name may lead anywhere: where it leads
 * is looked at whenever it is connected to (`receiver-client.ts`).
 */
export function urlFault(text: string, allowed: readonly Network[]): string | null {
  if (!URL.canParse(text)) return 'must be an absolute https URL';
  const url = new URL(text);
  if (url.protocol !== 'https:') return 'must begin with https://';
  if (url.username || url.password) return 'must not hold a user name or a password';
  if (url.hash) return 'must not have a part after #';
  const host = hostOf(url);
  if (isIP(host) !== 0 && !isAllowedAddress(host, allowed)) return 'must not be a private or reserved address';
  return null;
}
