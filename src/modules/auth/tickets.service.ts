import { Injectable } from '@nestjs/common';
import { makeToken, readToken } from '../../common/opaque-token.js';
import type { Principal } from '../../common/principal.js';
import { Database, type Statement } from '../../database/database.js';
import { Authenticator } from './authenticator.service.js';

const TICKET_SECONDS = 60;

/** Those that ended go with the next one; another request may be at them. */
const MAKE: Statement = {
  name: 'auth.make_ticket',
  text: `
    WITH ended AS (
      DELETE FROM event_tickets WHERE (account_id, ticket_hash) IN (
        SELECT account_id, ticket_hash FROM event_tickets WHERE account_id = $1 AND expires_at < now() LIMIT 100 FOR UPDATE SKIP LOCKED)
    )
    INSERT INTO event_tickets (account_id, ticket_hash, principal, expires_at)
    VALUES ($1, $2, $3::jsonb, now() + interval '${TICKET_SECONDS} s')`,
};

/** Of several who bring the same ticket PostgreSQL lets one have the row. */
const TAKE: Statement = {
  name: 'auth.take_ticket',
  text: `
    DELETE FROM event_tickets WHERE account_id = $1 AND ticket_hash = $2 AND expires_at > now() RETURNING principal`,
};

/**
 * Tickets for pages: `EventSource` and `WebSocket` of a browser send no headers, and an address
 * ends up in logs and histories, where a token must not be. A ticket is good once and for 60 s, at
 * any instance, and opens events alone, until the token that asked for it ends.
 */
@Injectable()
export class Tickets {
  constructor(
    private readonly database: Database,
    private readonly authenticator: Authenticator,
  ) {}

  async make(principal: Principal): Promise<string> {
    const ticket = makeToken('btk', principal.accountId);
    const { accountId, hash } = readToken('btk', ticket)!;
    await this.database.query(MAKE, [accountId, hash, JSON.stringify(principal)]);
    return ticket;
  }

  /** Who a token or a ticket speaks for; see `Authenticator`. */
  authenticate(text: string): Principal | null | Promise<Principal | null> {
    return text.startsWith('btk_') ? this.take(text) : this.authenticator.authenticate(text);
  }

  /** Who asked for the ticket, if it is good and they are still let in; it is good no more. */
  async take(ticket: string): Promise<Principal | null> {
    const known = readToken('btk', ticket);
    if (!known) return null;
    const [row] = await this.database.query<{ principal: Principal }>(TAKE, [
      known.accountId,
      known.hash,
    ]);
    return row && (await this.authenticator.isLive(row.principal)) ? row.principal : null;
  }
}
