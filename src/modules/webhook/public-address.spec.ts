import { isAllowedAddress, networkOf } from './public-address.js';

const REFUSED = [
  ...['127.0.0.1', '127.255.0.1', '0.0.0.0', '0.1.2.3', '10.1.1.1', '172.16.0.1', '192.168.1.1'],
  ...[
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '192.0.2.1',
    '198.18.0.1',
    '203.0.113.7',
  ],
  ...['224.0.0.1', '240.0.0.1', '255.255.255.255', '192.88.99.1'],
  ...[
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::a00:1',
  ],
  ...[
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
  ],
  ...['100::1', '5f00::1', '4000::1'],
  ...['localhost', '', '0x7f000001', '2130706433', '127.1', 'example.com'],
];

describe('an address that a stranger chose', () => {
  it.each(REFUSED)('%s is refused', (address) => {
    expect(isAllowedAddress(address, [])).toBe(false);
  });

  it.each(['8.8.8.8', '93.184.216.34', '2606:4700::1111', '::ffff:8.8.8.8'])(
    '%s is good',
    (address) => {
      expect(isAllowedAddress(address, [])).toBe(true);
    },
  );

  it('in a network that is allowed is good, also when it is mapped into IPv6; its neighbours are not', () => {
    const allowed = ['10.20.0.0/16', 'fd00:1::/32', '127.0.0.1'].map(networkOf);
    expect(
      ['10.20.3.4', '::ffff:10.20.3.4', 'fd00:1::9', '127.0.0.1'].map((address) =>
        isAllowedAddress(address, allowed),
      ),
    ).toEqual(Array(4).fill(true));
    expect(
      ['10.21.0.1', 'fd00:2::9', '127.0.0.2', '::1'].map((address) =>
        isAllowedAddress(address, allowed),
      ),
    ).toEqual(Array(4).fill(false));
  });
});
