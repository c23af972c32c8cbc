import { isIP } from 'node:net';
import { Transform } from 'class-transformer';
import { registerDecorator } from 'class-validator';

/**
 * Decorators for the settings of `Config`. Each turns the text of the environment into its type,
 * and says the mend when it cannot.
 */
type Rule = PropertyDecorator;

/** Checks a value; `mend` completes the sentence "NAME …", as in "PORT must be …". */
function rule(
  check: (value: unknown) => boolean,
  mend: string | ((value: unknown) => string),
): Rule {
  return (target, key) =>
    registerDecorator({
      name: 'setting',
      target: target.constructor,
      propertyName: String(key),
      validator: {
        validate: check,
        defaultMessage: (args) =>
          `${String(key)} ${typeof mend === 'string' ? mend : mend(args?.value)}`,
      },
    });
}

const both = (...decorators: Rule[]): Rule => {
  return (target, key) => decorators.forEach((decorate) => decorate(target, key));
};

/** A setting that may be absent; when it is there, `check` must hold for its text. */
export const Text = (check: (text: string) => boolean, mend: string): Rule =>
  rule((value) => value === undefined || (typeof value === 'string' && check(value)), mend);

/** A whole number from `min` to `max`, both included. */
export const Whole = (min: number, max: number): Rule =>
  both(
    Transform(({ value }) =>
      typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value,
    ),
    rule(
      (value) =>
        Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
      `must be a whole number from ${min} to ${max}`,
    ),
  );

/**
 * A text that `parse` makes a value of. What it throws completes the sentence "NAME …"; it must not
 * repeat the text.
 */
export const Parsed = (parse: (text: string) => unknown): Rule => {
  const attempt = (value: unknown): { value: unknown; fault?: string } => {
    if (typeof value !== 'string') return { value };
    try {
      return { value: parse(value) };
    } catch (error) {
      return { value, fault: (error as Error).message };
    }
  };
  return both(
    Transform(({ value }) => attempt(value).value),
    rule(
      (value) => typeof value !== 'string',
      (value) => attempt(value).fault ?? '',
    ),
  );
};

/** `on` or `off`. */
export const OnOff = (): Rule =>
  both(
    Transform(({ value }) => (value === 'on' ? true : value === 'off' ? false : value)),
    rule((value) => typeof value === 'boolean', 'must be on or off'),
  );

/** Entries between commas; spaces around them do not count. `check` must hold for each. */
export const List = (check: (entry: string) => boolean, mend: string): Rule =>
  both(
    Transform(({ value }) => (typeof value === 'string' ? entries(value) : value)),
    rule(
      (value) =>
        Array.isArray(value) && value.every((entry) => typeof entry === 'string' && check(entry)),
      mend,
    ),
  );

const entries = (text: string): string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** One of the given words; `remark` is for those who try another one. */
export const OneOf = (words: readonly string[], remark?: string): Rule =>
  Text(
    (text) => words.includes(text),
    `must be one of ${words.join(', ')}${remark ? ` (${remark})` : ''}`,
  );

/** Something to listen at: an address, or a name. */
export const isHost = (text: string): boolean => /^[^\s/]+$/.test(text);

/** Whether a server that listens at this address can be reached from this machine alone. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);

/** An origin as a browser sends it: scheme, host and port, nothing after it. */
export const isOrigin = (text: string): boolean =>
  URL.canParse(text) && new URL(text).origin === text;

/** An IP address, or a block of them in CIDR notation. */
export function isAddressBlock(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  );
}

/** The host of a URL (IPv6 without brackets), or `*.` and a domain. */
export const isHostRule = (text: string): boolean =>
  isIP(text) !== 0 || /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(text);

/**
 * An https URL, or http to this machine: whoever can change the keys on their way can sign tokens.
 */
export function isSafeKeyUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (
    protocol === 'https:' ||
    (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
  );
}

/**
 * A URL that the client of Redis can read; what it cannot, it throws at without the name of the
 * setting.
 */
export function isRedisUrl(text: string): boolean {
  if (!/^rediss?:\/\/\S+$/.test(text) || !URL.canParse(text)) return false;
  const { username, password, pathname } = new URL(text);
  return /^\/?\d*$/.test(pathname) && isPercentEncoded(username) && isPercentEncoded(password);
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const SECRET_LENGTH_MIN = 32;
const DISTINCT_CHARACTERS_MIN = 8;
/**
 * Out of manuals and templates, as a whole: a secret that merely has such a word in it is not known
 * to anybody.
 */
const WELL_KNOWN =
  /^((please[-_ ]?)?change[-_ ]?(me|this).*|your[-_ ].*|replace[-_ ]?(me|this|with).*|(my[-_ ]?)?super[-_ ]?secret[-_ a-z]*|a-string-secret-at-least-256-bits-long|([-_ ]?(jwt|secret|key|password|token|changeme|qwerty|12345678|abcdefgh)[-_ ]?)+)$/i;

/** Long enough, and neither out of a manual nor one key held down. */
export const isGoodSecret = (text: string): boolean =>
  text.length >= SECRET_LENGTH_MIN &&
  new Set(text).size >= DISTINCT_CHARACTERS_MIN &&
  !WELL_KNOWN.test(text);
