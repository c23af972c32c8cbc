// Tokens of one's own making, and an issuer of keys.
import { createHmac, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
export const hmac =
  (secret: string | Buffer, hash = 'sha256') =>
  (text: string) =>
    createHmac(hash, secret).update(text).digest('base64url');
export const rs256 = (key: KeyObject) => (text: string) =>
  sign('sha256', Buffer.from(text), key).toString('base64url');
export const es256 = (key: KeyObject) => (text: string) =>
  sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
export const forge = (header: unknown, payload: unknown, signer: (text: string) => string) => {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${signer(text)}`;
};

/** A server on loopback that answers a set of keys and counts how often it was asked. */
export class Issuer {
  asked = 0;
  keys: object[] = [];
  private server!: Server;

  async start(): Promise<string> {
    this.server = createServer((_request, response) => {
      this.asked++;
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ keys: this.keys }));
    }).listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/jwks.json`;
  }

  publish(kid: string, key: KeyObject, alg: string): void {
    this.keys.push({ ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' });
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
