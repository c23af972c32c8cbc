import type { MigrationInterface, QueryRunner } from 'typeorm';

/** By which history a question was asked, of clients that send all of it each time. */
export class HistoryPlaces1764000000124 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE history_places (
        account_id uuid NOT NULL,
        response_id uuid NOT NULL,
        chat_id uuid NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT history_places_pkey PRIMARY KEY (account_id, response_id),
        CONSTRAINT history_places_chat FOREIGN KEY (account_id, chat_id)
          REFERENCES chats (account_id, chat_id) ON DELETE CASCADE
      )`);
    await runner.query(
      `CREATE INDEX history_places_hash ON history_places (account_id, hash, response_id)`,
    );
    await runner.query(
      `CREATE INDEX history_places_of_chat ON history_places (account_id, chat_id)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE history_places`);
  }
}
