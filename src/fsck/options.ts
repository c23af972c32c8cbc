import { parseArgs } from 'node:util';
import { INVARIANTS } from './check.js';

export interface FsckOptions {
  repair: boolean;
  json: boolean;
  /** Looks again sooner at what seems wrong. */
  quick: boolean;
}

/** What the command line asks for. */
export type FsckCommand =
  { kind: 'check'; options: FsckOptions } | { kind: 'tell'; text: string; exitCode: number };

const RULES = Object.entries(INVARIANTS).map(([id, rule]) => `  ${id.padEnd(4)} ${rule}`);

const HELP = `Checks that PostgreSQL and the content store tell the same story, on a server that runs or stands still.

Usage: npm run fsck [-- options]           in a checkout
       node dist/server/fsck.mjs [options]

  --repair   mends what can be mended without a loss, sends what waits for MongoDB, and then checks again
  --quick    looks for 0.2 s instead of 2 s whether what seems wrong stays so: where little is written meanwhile
  --json     one JSON document on stdout instead of lines for people
  --help     this text

The stores are those of the server's settings: DATABASE_URL and MONGODB_URI, or what was started in DATA_DIR.
Exit code: 0 everything holds, 1 something does not, 2 it could not be checked. Output has ids, never words.

What is checked:
${RULES.join('\n')}
`;

/** @param args without node and script */
export function parseFsckCommand(args: readonly string[]): FsckCommand {
  try {
    const options = {
      repair: { type: 'boolean' },
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    const { values } = parseArgs({ args: [...args], options });
    if (values.help) return { kind: 'tell', text: HELP, exitCode: 0 };
    const { repair = false, json = false, quick = false } = values;
    return { kind: 'check', options: { repair, json, quick } };
  } catch (error) {
    return {
      kind: 'tell',
      text: `${(error as Error).message}\nnpm run fsck -- --help tells what there is.\n`,
      exitCode: 2,
    };
  }
}
