import { parseArgs } from 'node:util';
import { buildInfo } from './build-info.js';

/** What the command line asks for. */
export type CommandLine = { kind: 'serve' } | { kind: 'tell'; text: string; exitCode: number };

const HELP = `Banyan, the self-hosted backend for AI conversations that branch.

Usage: npm start [-- options]        in a checkout
       node dist/server/main.mjs [options]

  --help       this text
  --version    name, version, commit

Without any setting it starts PostgreSQL itself, keeps everything in ./data and listens on http://127.0.0.1:3000.
Settings come from the environment, or from a file .env in the working folder. The most wanted:

  PORT, HOST      where to listen (3000, 127.0.0.1)
  REGISTRATION    open, invite or closed: who may make an account; has to be set with a HOST that lets others in
  DATA_DIR        folder for the databases that it starts itself (./data)
  DATABASE_URL    a PostgreSQL server to use instead; JWT_SECRET has to be set with it
  MONGODB_URI     MongoDB for the words; without it they are in PostgreSQL
  REDIS_URL       Redis for sessions, cache and events; without it they are in memory
  JWT_SECRET      signs the tokens

All of them, each with a sentence and its default: .env.example
Ctrl-C or SIGTERM ends running requests and stops; a second one stops at once.
`;

/** @param args without node and script */
export function parseCommand(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
    });
    if (values.help) return { kind: 'tell', text: HELP, exitCode: 0 };
    if (values.version) return { kind: 'tell', text: versionLine(), exitCode: 0 };
    return { kind: 'serve' };
  } catch (error) {
    return {
      kind: 'tell',
      text: `${(error as Error).message}\nnpm start -- --help tells what there is.\n`,
      exitCode: 2,
    };
  }
}

function versionLine(): string {
  const { name, version, commit } = buildInfo();
  return `${name} ${version}${commit ? ` (${commit})` : ''}\n`;
}
