import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { Principal } from '../../common/principal.js';
import { Account } from './account.entity.js';

/** A ticket that nobody has used yet, known only by its hash. */
@Entity('event_tickets')
@ForeignKey(() => Account, ['accountId'], ['accountId'], {
  name: 'event_tickets_account',
  onDelete: 'CASCADE',
})
export class EventTicket {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'event_tickets_pkey' })
  accountId!: string;

  /** SHA-256 of its whole text. */
  @PrimaryColumn('bytea', { name: 'ticket_hash', primaryKeyConstraintName: 'event_tickets_pkey' })
  ticketHash!: Buffer;

  /** Who asked for it: what it opens ends with their token. */
  @Column('jsonb')
  principal!: Principal;

  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3 })
  expiresAt!: Date;
}
