/** A new account on a server where REGISTRATION is open; its access token. */
export async function guestToken(server) {
  const body = {
    email: `${globalThis.crypto.randomUUID()}@guest.example`,
    password: globalThis.crypto.randomUUID(),
  };
  const answer = await fetch(`${server}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${server} made no account: ${await answer.text()}`);
  return (await answer.json()).access_token;
}
