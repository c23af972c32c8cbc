import { Injectable, Logger } from '@nestjs/common';
import type { Principal } from '../../common/principal.js';
import { problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import { Loop } from '../../runtime/loop.js';
import { Outage } from '../../runtime/outage.js';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import { Clock } from './clock.js';
import { LivenessService, type Subject, subjectKey } from './liveness.service.js';
import { Strangers } from './strangers.js';

/** A connection that outlives its request: a socket or an event stream. */
export interface Guest {
  /**
   * Its token has ended, or the sign-in, API key or account behind it. May be called more than
   * once.
   */
  expel(): void;
}

/** The guests of one sign-in, API key or outside account. */
interface Group {
  subject: Subject;
  /** Each with the end of its token. */
  guests: Map<Guest, number | null>;
}

/**
 * How late the end of a token is noticed. That of a sign-in or key is told at once, or noticed when
 * PostgreSQL is asked again (10 s).
 */
const SWEEP_MS = 250;

/**
 * Who is connected to this instance, with which token: counted for each account, and shown out when
 * the token ends.
 */
@Injectable()
export class Presence {
  readonly strangers: Strangers;
  private readonly groups = new Map<string, Group>();
  private readonly counts = new Map<string, number>();
  private readonly loop = new Loop(
    () => this.sweep(),
    new Outage((cause) =>
      new Logger('Presence').error({ message: 'connections could not be looked at', cause }),
    ),
    { everyMs: SWEEP_MS },
  );
  private isListening = false;

  constructor(
    private readonly liveness: LivenessService,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {
    this.strangers = new Strangers(config.TRUST_PROXY.length > 0);
  }

  /** Lets a guest in; false when the account has as many connections as it may have. */
  enter(principal: Principal, guest: Guest): boolean {
    const { accountId, expiresAt } = principal;
    const count = this.counts.get(accountId) ?? 0;
    const max = this.config.SOCKETS_PER_ACCOUNT;
    if (max > 0 && count >= max) return false;
    this.counts.set(accountId, count + 1);
    this.groupOf(principal).guests.set(guest, expiresAt);
    if (!this.isListening) this.begin();
    return true;
  }

  leave(principal: Principal, guest: Guest): void {
    const key = subjectKey(principal);
    const group = this.groups.get(key);
    if (!group?.guests.delete(guest)) return;
    if (group.guests.size === 0) this.groups.delete(key);
    const left = this.counts.get(principal.accountId)! - 1;
    if (left > 0) this.counts.set(principal.accountId, left);
    else this.counts.delete(principal.accountId);
  }

  @ClosesAt('loops')
  stop(): Promise<void> {
    return this.loop.stop();
  }

  private begin(): void {
    this.isListening = true;
    this.liveness.listen((key) => this.look(this.groups.get(key)));
    this.loop.start();
  }

  private groupOf(subject: Subject): Group {
    const key = subjectKey(subject);
    let group = this.groups.get(key);
    if (!group) this.groups.set(key, (group = { subject, guests: new Map() }));
    return group;
  }

  private sweep(): void {
    const now = this.clock.now();
    for (const group of this.groups.values()) {
      for (const [guest, expiresAt] of group.guests)
        if (expiresAt !== null && expiresAt <= now) guest.expel();
      this.look(group);
    }
  }

  private look(group: Group | undefined): void {
    if (!group) return;
    const live = this.liveness.isLive(group.subject);
    // While PostgreSQL is away nobody knows, and nobody is shown out for that.
    if (live instanceof Promise)
      void live.then(
        (isLive) => isLive || expelAll(group),
        () => undefined,
      );
    else if (!live) expelAll(group);
  }
}

/** What whoever asked by HTTP is told when `enter` answered false. */
export const tooManyConnections = () =>
  problems.rateLimited({
    detail: 'The account has too many open sockets and streams.',
    headers: { 'retry-after': '30' },
  });

function expelAll({ guests }: Group): void {
  for (const guest of guests.keys()) guest.expel();
}
