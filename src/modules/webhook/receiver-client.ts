import { readFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { Agent, request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { afterRunning } from '../../runtime/run-clock.js';
import { isAllowedAddress, type Network } from './public-address.js';
import { type AddressRules, allowedBy, hostOf, isAllowedHost } from './webhook-url.js';

/** Why a receiver gave no answer. */
export const SEND_ERRORS = [
  'address_refused',
  'name_not_found',
  'certificate_refused',
  'timeout',
  'connection_failed',
] as const;
export type SendError = (typeof SEND_ERRORS)[number];

/** What became of one attempt: the status that was answered, or why there was none. */
export type SendOutcome = { status: number; error: null } | { status: null; error: SendError };

/** Asks DNS. */
export type Resolve = (host: string) => Promise<string[]>;

class Refusal extends Error {
  constructor(readonly reason: SendError) {
    super(reason);
  }
}

/** The body of an answer is of no interest; so much of it is read for politeness' sake. */
const ANSWER_BYTES_MAX = 64 * 1024;
const DNS_TIMEOUT_MS = 2000;
const CERTIFICATE_CODES =
  /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_EXCEEDED)/;

/**
 * Posts to addresses that strangers have chosen: https only, to public addresses only, no redirect
 * followed, bounded in time and bytes.
 */
@Injectable()
export class ReceiverClient {
  private readonly allowed: AddressRules;
  private readonly agent: Agent;
  private readonly underWay = new Set<AbortController>();
  private readonly timeoutMs: number;

  /** @throws when WEBHOOK_CA_FILE cannot be read */
  constructor(config: Config) {
    const { WEBHOOK_CA_FILE, WEBHOOK_TIMEOUT_SECONDS } = config;
    this.allowed = allowedBy(config);
    this.timeoutMs = WEBHOOK_TIMEOUT_SECONDS * 1000;
    // No connection is kept: each attempt resolves and looks at the addresses anew.
    this.agent = new Agent({
      keepAlive: false,
      lookup: guardedLookup((host) => this.resolve(host), this.allowed.networks),
      // Read once: to read all of them takes as long as dozens of connections.
      ...(WEBHOOK_CA_FILE && {
        secureContext: createSecureContext({
          ca: [...rootCertificates, readFileSync(WEBHOOK_CA_FILE, 'utf8')],
        }),
      }),
    });
  }

  /** Sends once. Never throws; ends at the latest when its time is over, or soon after `cutOff`. */
  post(address: string, headers: Record<string, string>, body: string): Promise<SendOutcome> {
    const url = new URL(address);
    // Addresses are not looked up, so the agent never sees them; and the list of hosts may have
    // changed.
    if (!isAllowedHost(hostOf(url), this.allowed))
      return Promise.resolve(failure('address_refused'));
    const abort = new AbortController();
    const stopWaiting = afterRunning(this.timeoutMs, () => abort.abort());
    this.underWay.add(abort);
    return this.send(url, headers, body, abort.signal).finally(() => {
      stopWaiting();
      this.underWay.delete(abort);
    });
  }

  /** Ends what is under way. */
  cutOff(): void {
    for (const abort of this.underWay) abort.abort();
  }

  /** A test asks a name server of its own. */
  protected resolve(host: string): Promise<string[]> {
    return askDns(host);
  }

  private send(
    url: URL,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    return new Promise((resolve) => {
      let outcome: SendOutcome | null = null;
      const length = String(Buffer.byteLength(body));
      const sent = request(url, {
        method: 'POST',
        agent: this.agent,
        headers: { ...headers, 'content-length': length },
        signal,
      });
      sent.on('response', (answer) => {
        outcome = { status: answer.statusCode!, error: null };
        let bytes = 0;
        answer.on('error', () => undefined);
        answer.on(
          'data',
          (chunk: Buffer) => (bytes += chunk.length) > ANSWER_BYTES_MAX && answer.destroy(),
        );
      });
      sent.on('error', (error) => (outcome ??= failure(reasonOf(error))));
      sent.on('close', () => resolve(outcome ?? failure('connection_failed')));
      sent.end(body);
    });
  }
}

/**
 * Resolves a name for the very connection that is being made, and gives only addresses that may be
 * connected to. A name that leads to a public address now and inwards a moment later gains nothing
 * by it: there is no second look-up.
 */
export function guardedLookup(resolve: Resolve, allowed: readonly Network[]): LookupFunction {
  return (host, { all, family }, done) => {
    const wanted =
      family === 4 || family === 'IPv4' ? 4 : family === 6 || family === 'IPv6' ? 6 : 0;
    resolve(host).then(
      (found) => {
        const addresses = found
          .filter((one) => isAllowedAddress(one, allowed))
          .map((address) => ({ address, family: isIP(address) }));
        const fitting = addresses.filter((one) => wanted === 0 || one.family === wanted);
        const [first] = fitting;
        if (!first)
          done(new Refusal(found.length > 0 ? 'address_refused' : 'name_not_found'), '', 0);
        else if (all) done(null, fitting);
        else done(null, first.address, first.family);
      },
      () => done(new Refusal('name_not_found'), '', 0),
    );
  };
}

/**
 * IPv4 before IPv6. By DNS alone, and not by the `getaddrinfo` of the system: that one keeps a
 * thread of the few that this process has (password hashes need them) for as long as a stranger's
 * name server likes.
 */
export async function askDns(host: string, servers?: readonly string[]): Promise<string[]> {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 });
  if (servers) resolver.setServers(servers);
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

const failure = (error: SendError): SendOutcome => ({ status: null, error });

function reasonOf(error: Error & { code?: string }): SendError {
  if (error instanceof Refusal) return error.reason;
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'timeout';
  return CERTIFICATE_CODES.test(error.code ?? '') ? 'certificate_refused' : 'connection_failed';
}
