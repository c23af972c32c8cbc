// Tells the engine behind the MongoDB of tests (DocumentDB, which is a PostgreSQL) not to wait for
// the disk, as the PostgreSQL of the tests does not either: stores.mjs. The argument is its address.
import pg from 'pg';

const engine = new pg.Client({
  connectionString: process.argv[2] ?? 'postgres://postgres@127.0.0.1:9712/postgres',
  connectionTimeoutMillis: 2000,
});
try {
  await engine.connect();
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum'])
    await engine.query(`ALTER SYSTEM SET ${setting} = off`);
  await engine.query('SELECT pg_reload_conf()');
} catch (error) {
  console.error(`no such engine: ${error.message}`);
  process.exitCode = 1;
} finally {
  await engine.end();
}
