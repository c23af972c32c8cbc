// npm start: builds when needed, then runs the server in this same process, so that signals reach
// it.
import { buildIfStale } from './build-if-stale.mjs';

try {
  await buildIfStale();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
await import('../dist/server/main.mjs');

// npm hands SIGTERM to the shell between it and us, which dies of it without a word. That we have
// lost our parent is the same message.
const parent = process.ppid;
const watch = setInterval(() => {
  if (process.ppid === parent || !process.env.npm_lifecycle_event) return;
  clearInterval(watch);
  process.kill(process.pid, 'SIGTERM');
}, 250).unref();
