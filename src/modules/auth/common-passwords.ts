let list: Promise<ReadonlySet<string>> | undefined;

/**
 * Whether a password is one of those that attackers try first: the 17,950 of at least 8 characters
 * in the list of zxcvbn-ts (MIT), compared in lower case. The list is loaded at the first call (20
 * ms) and kept (about 2 MB).
 */
export async function isCommonPassword(password: string): Promise<boolean> {
  list ??= load();
  return (await list).has(password.toLowerCase());
}

async function load(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  return new Set(dictionary['passwords-common'].filter(({ length }) => length >= 8));
}
