import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tickets by which a page opens one stream of events without a header. */
export class EventTickets1764000000147 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE event_tickets (
        account_id uuid NOT NULL CONSTRAINT event_tickets_account REFERENCES accounts (account_id) ON DELETE CASCADE,
        ticket_hash bytea NOT NULL,
        principal jsonb NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT event_tickets_pkey PRIMARY KEY (account_id, ticket_hash)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE event_tickets`);
  }
}
