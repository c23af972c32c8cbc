// Words that a store must give back as they are.
import type { Words } from '../../src/content/content-store.js';

const FAMILY = String.fromCodePoint(0x1f468, 0x200d, 0x1f469, 0x200d, 0x1f467);

/** Texts that stores have been known to change, to run or to choke on. */
export const HOSTILE = [
  '🦣',
  FAMILY,
  'e\u0301 is not \u00e9, \u212b is not \u00c5',
  'z\u0351\u036b\u0343\u036a\u0302\u036b\u033d',
  '\u202eright to left\u202c and \u200fשלום\u200e مرحبا',
  '\ufeffBOM, \ufffd replacement, \uffff, \u2028 and \u2029',
  '\u0001\u0007\b\t\n\u000b\f\r\u001b\u007f\u0085',
  '$where',
  '$qa_pairs.question',
  '$$ROOT',
  '{"$gt":""}',
  '{"$where":"sleep(1000)"}',
  '__proto__',
  'constructor.prototype',
  "'; DROP TABLE chat_contents; --",
  '\\u0000 \\x00 \\',
  '%00%s%n{}[]"\'`',
  '  leading and trailing  \n',
  'null',
  '',
];

export const METADATA: Words['metadata'][] = [
  null,
  {},
  { url: 'https://example.org/?a=1&b=%20', title: 'Ünïcode' },
  {
    nested: { list: [1, [2, [3, {}]], null, true, false, ''], deep: { deeper: { deepest: {} } } },
    none: null,
  },
  {
    big: 1e21,
    tiny: 5e-324,
    tenth: 0.1,
    negative: -1.5,
    minusZero: -0,
    int32: 2147483648,
    int53: 9007199254740991,
    beyond: 1e308,
  },
  { ключ: 1, 鍵: 2, '🔑': 3, 'with space': 4, 'ünï-cödé': 5, '7': 'seven', '07': 'not seven' },
  {
    date: '2026-01-01T00:00:00.000Z',
    id: '507f1f77bcf86cd799439011',
    oid: { oid: '507f1f77bcf86cd799439011' },
  },
  // Refused by the API today; a store must nevertheless give back what it was given.
  { $gt: '', 'a.b': 1, '': 2 },
  { _bsontype: 'ObjectId', id: 'x' },
  {
    inner: [
      {
        toBSON: 1,
        toJSON: 'x',
        isMongooseBuffer: true,
        $__: 1,
        constructor: { name: 'Date' },
        prototype: 1,
      },
    ],
  },
  JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>,
  JSON.parse('{"a":'.repeat(120) + '1' + '}'.repeat(120)) as Record<string, unknown>,
];
