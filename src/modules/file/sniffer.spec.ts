import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { agreedType, Sniffer } from './sniffer.js';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function typeOf(bytes: Buffer | string, chunkBytes = 7): Promise<string> {
  const sniffer = new Sniffer();
  const all = Buffer.from(bytes);
  for (let at = 0; at < all.length; at += chunkBytes)
    sniffer.take(all.subarray(at, at + chunkBytes));
  return sniffer.mediaType();
}

describe('what bytes are', () => {
  it.each([
    ['image/png', PNG],
    ['application/pdf', '%PDF-1.7\n%âãÏÓ\n1 0 obj'],
    ['image/gif', 'GIF89a\x01\x00\x01\x00'],
    ['audio/wav', 'RIFF\x24\x00\x00\x00WAVEfmt '],
    ['text/plain', 'a text, with ümläuts 🦣 and\ttabs\r\n'],
    ['text/plain', '{"json": true}'],
    ['text/plain', '<!doctype html><script>alert(1)</script>'],
    [
      'image/svg+xml',
      '<?xml version="1.0"?>\n<!-- a circle -->\n<svg xmlns="x"><circle r="1"/></svg>',
    ],
    ['application/octet-stream', 'a text\0 with a sign that texts do not have'],
    ['application/octet-stream', Buffer.from([0x66, 0xff, 0xfe, 0x66, 0x81])],
    ['application/octet-stream', Buffer.from('cut in its last sign ü').subarray(0, -1)],
    ['application/octet-stream', Buffer.from([0, 1])],
    ['application/octet-stream', ''],
  ])('is told by themselves: %s', async (type, bytes) => {
    expect(await typeOf(bytes)).toBe(type);
  });

  it('is the same however they are cut on their way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.integer({ min: 1, max: 9 }),
        async (text, cut) => {
          expect(await typeOf(text, cut)).toBe(await typeOf(text, 1000));
        },
      ),
    );
  });

  it('is a text only where all of it is one, far behind its head too', async () => {
    const long = Buffer.alloc(200_000, 'a');
    expect(await typeOf(long, 60_000)).toBe('text/plain');
    expect(await typeOf(Buffer.concat([long, Buffer.from([0])]), 60_000)).toBe(
      'application/octet-stream',
    );
  });
});

describe('what a part says of its file', () => {
  it.each([
    ['image/jpeg', 'image/png', 'image/png'],
    [undefined, 'image/png', 'image/png'],
    ['application/octet-stream', 'image/png', 'image/png'],
    ['text/csv', 'text/plain', 'text/csv'],
    ['application/json', 'text/plain', 'application/json'],
    ['application/vnd.own', 'application/octet-stream', 'application/octet-stream'],
  ])('stands where it is no lie: %s of %s is %s', (claimed, found, agreed) => {
    expect(agreedType(claimed, found)).toBe(agreed);
  });

  it.each([
    ['image/png', 'text/plain'],
    ['image/png', 'application/pdf'],
    ['application/pdf', 'application/zip'],
    ['text/plain', 'image/png'],
    ['application/zip', 'image/png'],
  ])('is refused where it is one: %s of %s', (claimed, found) => {
    expect(agreedType(claimed, found)).toBeNull();
  });
});
