import { compiled } from './compiled.mjs';

/** Does something at the console of the server that the settings name, and leaves it. */
async function atConsole(work) {
  const { openConsole } = await compiled('console/console.js');
  const opened = await openConsole();
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

const until = (instant) => `${instant.slice(0, 16).replace('T', ' ')} UTC`;

/** Prints an invitation: who has it registers with it. */
export async function invite({ hours, json }) {
  const said = await atConsole((opened) => opened.invite(hours));
  if (json) return console.log(JSON.stringify(said));
  console.log(`${said.token}

Good for one account, until ${until(said.expires_at)}. Whoever has it registers on the page, or by
  curl -X POST <server>/api/v1/auth/register -H 'content-type: application/json' \\
    -d '{"email":"<e-mail>","password":"<password>","invitation":"${said.token}"}'`);
}

/** Prints a token by which the owner of an account sets another password. */
export async function resetPassword(email, { hours, json }) {
  const said = await atConsole((opened) => opened.resetPassword(email, hours));
  if (json) return console.log(JSON.stringify(said));
  console.log(`${said.token}

Good once, until ${until(said.expires_at)}. The owner of the account sets another password on the page, or by
  curl -X POST <server>/api/v1/auth/password/reset -H 'content-type: application/json' \\
    -d '{"token":"${said.token}","new_password":"<password>"}'
Every sign-in of the account ends then; its API keys stay.`);
}

/** Lists the accounts: one a line, or as lines of JSON. */
export async function accounts({ json }) {
  await atConsole(async (opened) => {
    let count = 0;
    for await (const page of opened.accounts())
      for (const account of page) {
        count++;
        console.log(json ? JSON.stringify(shown(account)) : line(account));
      }
    if (!json) console.error(count === 1 ? '1 account' : `${count} accounts`);
  });
}

const shown = ({ accountId, email, name, createdAt }) => ({
  account_id: accountId,
  email,
  name,
  created_at: createdAt.toISOString(),
});

/** What strangers call themselves: nothing of it may move a terminal's cursor. */
const plain = (text) => text.replaceAll(/\p{C}/gu, '\u{fffd}');

const line = ({ accountId, email, name, createdAt }) =>
  [
    accountId,
    createdAt.toISOString().slice(0, 10),
    email ? plain(email) : '(of an outside issuer)',
    ...(name ? [plain(name)] : []),
  ].join('  ');
