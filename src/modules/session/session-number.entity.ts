import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The newest number that `POST /sessions` gave to an account, at whichever instance. */
@Entity('session_number_counters')
export class SessionNumberCounter {
  @PrimaryColumn('uuid', {
    name: 'account_id',
    primaryKeyConstraintName: 'session_number_counters_pkey',
  })
  accountId!: string;

  @Column('int')
  last!: number;
}
