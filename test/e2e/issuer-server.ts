import { expect } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { startTestApp, type TestApp } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { AuthTester, expectRefused, sameForAll } from './auth-tester.js';
import { Issuer } from './token-forge.js';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'banyan-api';

export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const rsaOfStranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A server that trusts an issuer outside, and what there is to try it with. */
export class IssuerServer {
  private constructor(
    readonly server: TestApp,
    readonly issuer: Issuer,
    /** Counts whoever follows an address in a token. */
    readonly trap: Issuer,
    readonly trapUrl: string,
    /** What a token that is none is told. */
    readonly refusal: Answer,
  ) {}

  static async start(): Promise<IssuerServer> {
    const [issuer, trap] = [new Issuer(), new Issuer()];
    issuer.publish('rsa-1', rsa.publicKey, 'RS256');
    issuer.publish('ec-1', ec.publicKey, 'ES256');
    trap.publish('trap', rsaOfStranger.publicKey, 'RS256');
    const trapUrl = await trap.start();
    const server = await startTestApp('postgres', {
      JWKS_URI: await issuer.start(),
      JWKS_ISSUER: ISSUER,
      JWKS_AUDIENCE: AUDIENCE,
      PASSWORD_BLOCKLIST: 'on',
    });
    const refusal = await new TestClient(server.url, 'nonsense').get('/auth/me');
    return new IssuerServer(server, issuer, trap, trapUrl, refusal);
  }

  get tester(): AuthTester {
    return new AuthTester(this.server.url);
  }

  me = (token: string): Promise<Answer> => new TestClient(this.server.url, token).get('/auth/me');

  /** One body for every refusal, and the same challenge. */
  expectTheRefusal(answer: Answer): void {
    expectRefused(answer);
    expect(sameForAll(answer)).toEqual(sameForAll(this.refusal));
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer realm="banyan", error="invalid_token"',
    );
  }

  async stop(): Promise<void> {
    this.issuer.stop();
    this.trap.stop();
    await this.server.close();
  }
}
