import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who owns things, and how they prove it. */
export class Accounts1764000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // The e-mail is the one global uniqueness: at login nothing else is known. Everything else
    // starts with account_id.
    await runner.query(`
      CREATE TABLE accounts (
        account_id uuid NOT NULL CONSTRAINT accounts_pkey PRIMARY KEY,
        email text,
        name text,
        password_hash text,
        created_at timestamptz(3) NOT NULL
      )`);
    await runner.query(`CREATE UNIQUE INDEX accounts_email ON accounts (email)`);
    // A family is one sign-in. Its revocation is one row, so that no rotation running beside it can
    // slip a living token past it.
    await runner.query(`
      CREATE TABLE token_families (
        account_id uuid NOT NULL CONSTRAINT token_families_account REFERENCES accounts (account_id) ON DELETE CASCADE,
        family_id uuid NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        revoked_at timestamptz(3),
        CONSTRAINT token_families_pkey PRIMARY KEY (account_id, family_id)
      )`);
    await runner.query(
      `CREATE INDEX token_families_age ON token_families (account_id, expires_at)`,
    );
    await runner.query(`
      CREATE TABLE refresh_tokens (
        account_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        family_id uuid NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        used_at timestamptz(3),
        CONSTRAINT refresh_tokens_pkey PRIMARY KEY (account_id, token_hash),
        CONSTRAINT refresh_tokens_family FOREIGN KEY (account_id, family_id)
          REFERENCES token_families (account_id, family_id) ON DELETE CASCADE
      )`);
    await runner.query(
      `CREATE INDEX refresh_tokens_of_family ON refresh_tokens (account_id, family_id)`,
    );
    await runner.query(
      `CREATE UNIQUE INDEX refresh_tokens_one_live ON refresh_tokens (account_id, family_id) WHERE used_at IS NULL`,
    );
    await runner.query(`
      CREATE TABLE api_keys (
        account_id uuid NOT NULL CONSTRAINT api_keys_account REFERENCES accounts (account_id) ON DELETE CASCADE,
        api_key_id uuid NOT NULL,
        key_hash bytea NOT NULL,
        name text NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3),
        CONSTRAINT api_keys_pkey PRIMARY KEY (account_id, api_key_id)
      )`);
    await runner.query(`CREATE UNIQUE INDEX api_keys_hash ON api_keys (account_id, key_hash)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE api_keys, refresh_tokens, token_families, accounts`);
  }
}
