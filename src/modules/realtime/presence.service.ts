import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Principal } from '../../common/principal.js';
import { Config } from '../../config/config.js';
import { Authenticator } from '../auth/authenticator.service.js';

/** A connection that outlives its request: a socket or an event stream. */
export interface Guest {
  /** Its token has ended, or the sign-in, API key or account behind it. */
  expel(): void;
}

interface Group {
  principal: Principal;
  guests: Set<Guest>;
}

/** How late an ended token is noticed. A logout at another instance is noticed when the authenticator asks PostgreSQL again (10 s). */
const SWEEP_MS = 250;

/** Who is connected to this instance, with which token: counted for each account, and shown out when the token ends. */
@Injectable()
export class Presence implements OnModuleDestroy {
  /** By token: most accounts have one for all their connections. */
  private readonly groups = new Map<string, Group>();
  private readonly counts = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly config: Config,
  ) {}

  /** Lets a guest in; false when the account has as many connections as it may have. */
  enter(principal: Principal, guest: Guest): boolean {
    const { accountId } = principal;
    const count = this.counts.get(accountId) ?? 0;
    const max = this.config.SOCKETS_PER_ACCOUNT;
    if (max > 0 && count >= max) return false;
    this.counts.set(accountId, count + 1);
    this.groupOf(principal).guests.add(guest);
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
    return true;
  }

  leave(principal: Principal, guest: Guest): void {
    const group = this.groups.get(keyOf(principal));
    if (!group?.guests.delete(guest)) return;
    if (group.guests.size === 0) this.groups.delete(keyOf(principal));
    const left = this.counts.get(principal.accountId)! - 1;
    if (left > 0) this.counts.set(principal.accountId, left);
    else this.counts.delete(principal.accountId);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private groupOf(principal: Principal): Group {
    const key = keyOf(principal);
    let group = this.groups.get(key);
    if (!group) this.groups.set(key, (group = { principal, guests: new Set() }));
    return group;
  }

  private sweep(): void {
    for (const { principal, guests } of this.groups.values()) {
      this.authenticator.isLive(principal).then(
        (isLive) => {
          if (!isLive) for (const guest of guests) guest.expel();
        },
        // PostgreSQL is away: nobody is shown out for that.
        () => undefined,
      );
    }
  }
}

const keyOf = ({ accountId, sessionId, apiKeyId, expiresAt }: Principal): string =>
  `${accountId}/${sessionId ?? apiKeyId ?? ''}/${expiresAt}`;
