// npm run fsck: builds when needed, then checks the stores. stdout is the report's alone, so that
// --json can be piped.
import { buildIfStale } from './build-if-stale.mjs';

const { log } = console;
console.log = console.error;
try {
  await buildIfStale();
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
console.log = log;
await import('../dist/server/fsck.mjs');
