import { ValidateBy } from 'class-validator';
import { isCommonPassword } from './common-passwords.js';

const CHARS_MIN = 8;
const CHARS_MAX = 128;
/**
 * What any password has at most before it is prepared, in UTF-16 code units: a character decomposes
 * into four at most (Unicode, UAX #15).
 */
export const RAW_PASSWORD_CHARS_MAX = 4 * CHARS_MAX;

/**
 * A password as it is hashed and checked: the OpaqueString of RFC 8265, 4.2.2, without its
 * refusals. Keyboards and systems differ in how they write the same character: "ä" as one or as two
 * code points (NFC makes it one), a space as a no-break space.
 */
export const preparedPassword = (password: string): string =>
  password.replace(/\p{Zs}/gu, ' ').normalize('NFC');

/**
 * A new password has 8 to 128 characters (Unicode code points of its prepared form, so an emoji
 * counts as one). No rules about digits or signs: NIST 800-63B-4.
 */
export const IsPassword = () =>
  ValidateBy({
    name: 'isPassword',
    validator: { validate: hasPasswordLength, defaultMessage: () => LENGTH_MESSAGE },
  });

const LENGTH_MESSAGE = `must be a string of ${CHARS_MIN} to ${CHARS_MAX} characters`;

export function hasPasswordLength(value: unknown): value is string {
  // Bounded first, so a huge string is neither normalised nor split.
  if (typeof value !== 'string' || value.length > RAW_PASSWORD_CHARS_MAX) return false;
  const { length } = [...preparedPassword(value)];
  return length >= CHARS_MIN && length <= CHARS_MAX;
}

/**
 * Says what is wrong with a new password of the right length, in words for its owner; null when
 * nothing is.
 */
export async function passwordFault(
  password: string,
  email: string,
  refuseCommon: boolean,
): Promise<string | null> {
  const prepared = preparedPassword(password);
  if (prepared.toLowerCase() === email) return 'must not be the e-mail address';
  if (refuseCommon && (await isCommonPassword(prepared)))
    return 'is one of the passwords that are tried first; choose another';
  return null;
}
