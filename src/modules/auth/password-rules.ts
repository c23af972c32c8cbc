import { ValidateBy } from 'class-validator';
import { isCommonPassword } from './common-passwords.js';

const CHARS_MIN = 8;
const CHARS_MAX = 128;

/** A new password has 8 to 128 characters (Unicode code points, so an emoji counts as one). No rules about digits or signs: NIST 800-63B-4. */
export const IsPassword = () =>
  ValidateBy({ name: 'isPassword', validator: { validate: hasPasswordLength, defaultMessage: () => LENGTH_MESSAGE } });

const LENGTH_MESSAGE = `must be a string of ${CHARS_MIN} to ${CHARS_MAX} characters`;

export function hasPasswordLength(value: unknown): value is string {
  // Code units are the upper bound of code points, so a huge string is not split at all.
  if (typeof value !== 'string' || value.length > 2 * CHARS_MAX) return false;
  const { length } = [...value];
  return length >= CHARS_MIN && length <= CHARS_MAX;
}

/** Says what is wrong with a new password of the right length, in words for its owner; null when nothing is. */
export async function passwordFault(password: string, email: string, refuseCommon: boolean): Promise<string | null> {
  if (password.toLowerCase() === email) return 'must not be the e-mail address';
  if (refuseCommon && (await isCommonPassword(password))) return 'is one of the passwords that are tried first; choose another';
  return null;
}
