#!/usr/bin/env node
// The command line. What talks to a server does so by its public API alone; what needs the compiled
// server (start, fsck, doctor, admin) loads it then, and builds it first in a checkout.
//
// Exit codes: 0 done; 1 not done, and why is on stderr; 2 called wrongly; 3 no server answers; 4 not
// signed in.

import { Command, InvalidArgumentError, Option } from 'commander';
import { createRequire } from 'node:module';
import { accounts, invite, resetPassword } from './admin.mjs';
import { Api, Failure } from './api.mjs';
import { doctor } from './doctor.mjs';
import { exportTo } from './export.mjs';
import { importFiles } from './import.mjs';
import { runCompiled } from './compiled.mjs';
import { search } from './search.mjs';
import { tree } from './tree.mjs';

const { version } = createRequire(import.meta.url)('../package.json');
const CODES = `
Exit codes:
  0 done    1 not done (why is on stderr)    2 called wrongly    3 no server answers    4 not signed in`;

/** An action that is given the API of the server that the options name. */
const talking =
  (work) =>
  (...args) => {
    const command = args.at(-1);
    const options = command.optsWithGlobals();
    return work(new Api(options), ...args.slice(0, -2), options);
  };

function remote(program, usage, description, work) {
  return program
    .command(usage)
    .description(description)
    .addOption(
      new Option('--server <url>', 'the server').env('BANYAN_URL').default('http://127.0.0.1:3000'),
    )
    .addOption(new Option('--token <token>', 'an API key or access token').env('BANYAN_TOKEN'))
    .option('--json', 'answer JSON, for programs')
    .addHelpText('after', CODES)
    .action(talking(work));
}

function searching(all) {
  const one = (flags, description, choices) => new Option(flags, description).choices(choices);
  remote(all, 'search <words...>', 'find what was said', search)
    .option('--chat <chat_id>', 'only what that branch sees')
    .addOption(one('--side <side>', 'only on this side', ['question', 'response']))
    .addOption(one('--type <type>', 'only pairs of this kind', ['text', 'link', 'code']))
    .option('--from <time>', 'only what was said then or later: a day, or ISO 8601')
    .option('--to <time>', 'only what was said then or before')
    .addOption(one('--sort <order>', 'the best first, or the newest', ['best', 'newest']))
    .option('--limit <number>', 'how many', '20')
    .addHelpText(
      'after',
      `
Words, "phrases", begin*, -not, this OR that. Examples:
  banyan search midnight sun
  banyan search '"arctic circle" -winter' --sort newest`,
    );
}

const HOURS_MAX = 24 * 365;

function hours(text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > HOURS_MAX)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${HOURS_MAX}.`);
  return number;
}

function administering(all) {
  const admin = all
    .command('admin')
    .description(
      'what whoever runs a server does, in its database: invite, reset-password, accounts',
    )
    .addHelpText(
      'after',
      `
It works on the database that the settings of the server name (DATABASE_URL or DATA_DIR), whether
the server runs or not. In Docker: docker compose exec api banyan admin …`,
    );
  const one = (usage, description, work) =>
    admin
      .command(usage)
      .description(description)
      .option('--json', 'answer JSON, for programs')
      .action(work);
  const lasting = (command, usual) =>
    command.option('--hours <number>', 'how long it is good', hours, usual);
  lasting(one('invite', 'make an invitation, for REGISTRATION=invite', invite), 7 * 24);
  lasting(
    one(
      'reset-password <email>',
      'let the owner of an account set another password',
      resetPassword,
    ),
    24,
  );
  one('accounts', 'list the accounts', accounts);
}

function program() {
  const all = new Command('banyan')
    .description('Banyan, the self-hosted backend for AI conversations that branch.')
    .version(version)
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      'after',
      `
Commands that talk to a server need a token: an API key (POST /api/v1/auth/api-keys), or what a
sign-in answers. Say it once:
  export BANYAN_TOKEN=bak_…
${CODES}`,
    );
  all
    .command('start')
    .description('start the server; settings are in .env.example')
    .allowUnknownOption()
    .helpOption(false)
    .argument('[options...]')
    .action(() => runCompiled('start', process.argv.slice(3)));
  remote(
    all,
    'import <files...>',
    'bring in exports of ChatGPT, Claude, LibreChat, Open WebUI or Banyan (JSON or zip)',
    importFiles,
  )
    .option('--no-wait', 'do not wait until what was sent is brought in')
    .addHelpText('after', '\nExample:\n  banyan import conversations.json && banyan tree');
  remote(all, 'export [chat_id]', 'write a conversation, or all of them, to a file', exportTo)
    .addOption(
      new Option('--format <format>', 'how')
        .choices(['banyan', 'chatgpt', 'openai', 'markdown'])
        .default('banyan'),
    )
    .addOption(
      new Option('--scope <scope>', 'the chat alone, or its conversation').choices([
        'chat',
        'conversation',
      ]),
    )
    .option('-o, --output <file>', 'the file; stdout when absent')
    .addHelpText('after', '\nExample:\n  banyan export --format markdown 019aa1b2-… -o norway.md');
  searching(all);
  remote(
    all,
    'tree [chat_id]',
    'draw the branches of a conversation, or of the newest ones',
    tree,
  ).option('--limit <number>', 'how many conversations', '20');
  all
    .command('fsck')
    .description('check both stores (npm run fsck)')
    .allowUnknownOption()
    .helpOption(false)
    .argument('[options...]')
    .action(() => runCompiled('fsck', process.argv.slice(3)));
  administering(all);
  all
    .command('doctor')
    .description('look whether everything is there that a server needs, and say the mend')
    .option('--json', 'answer JSON, for programs')
    .action(doctor);
  return all;
}

try {
  await program().parseAsync();
} catch (error) {
  if (error.code?.startsWith('commander.')) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    console.error(`banyan: ${error.message}`);
    process.exitCode = error instanceof Failure ? error.exitCode : 1;
  }
}
