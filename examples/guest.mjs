/**
 * The access token of a guest on a server where REGISTRATION is open. A page gives its
 * `localStorage`, so that it is the same guest after a reload; without one it is a new guest.
 */
export async function guestToken(server, storage) {
  const key = `guest of ${server}`;
  const kept = storage?.getItem(key);
  const guest = kept
    ? JSON.parse(kept)
    : {
        email: `${globalThis.crypto.randomUUID()}@guest.example`,
        password: globalThis.crypto.randomUUID(),
      };
  const answer = await fetch(`${server}/api/v1/auth/${kept ? 'login' : 'register'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(guest),
  });
  if (!answer.ok) throw new Error(`${server} lets no guest in: ${await answer.text()}`);
  storage?.setItem(key, JSON.stringify(guest));
  return (await answer.json()).access_token;
}
