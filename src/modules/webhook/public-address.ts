import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = [Address, number];

/**
 * All of IPv6 that is routed on the internet (RFC 4291, 2.4); NAT64, mapped and local addresses lie
 * outside.
 */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3') as Network;
/** Public by its number, and yet inside: a cloud's own service for its machines (Azure). */
const METADATA = ipaddr.parseCIDR('168.63.129.16/32') as Network;

/** `10.0.0.0/8`, or a single address. */
export function networkOf(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/**
 * Whether the server may connect there for somebody else: only to addresses of the internet, and to
 * the networks that its operator allows. Anything that is no address is refused. An IPv4 address in
 * the clothes of IPv6 (`::ffff:127.0.0.1`) is looked at as what it is.
 */
export function isAllowedAddress(text: string, allowed: readonly Network[]): boolean {
  if (isIP(text) === 0) return false;
  const address = ipaddr.process(text);
  if (allowed.some((network) => isWithin(address, network))) return true;
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4'
    ? !isWithin(address, METADATA)
    : isWithin(address, GLOBAL_UNICAST);
}

const isWithin = (address: Address, [network, bits]: Network): boolean =>
  address.kind() === network.kind() && (address as ipaddr.IPv6).match(network as ipaddr.IPv6, bits);
