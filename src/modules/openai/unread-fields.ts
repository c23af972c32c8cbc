import { isObject } from '../../common/is-object.js';
import { isGiven } from './input-content.js';

/** An object of a request. */
export type Fields = Readonly<Record<string, unknown>>;

/** The path of the first field that says something and is not among the known ones; else null. */
export function unread(value: object, known: readonly string[]): string | null {
  const says = (said: unknown): boolean =>
    isGiven(said) && !(Array.isArray(said) && said.length === 0);
  const found = Object.entries(value).find(([name, said]) => !known.includes(name) && says(said));
  return found ? `.${found[0].slice(0, 40)}` : null;
}

/** The same of an object that stands in another one under a name. */
export function within(holder: Fields, name: string, known: readonly string[]): string | null {
  const value = holder[name];
  const field = isObject(value) ? unread(value, known) : null;
  return field && `.${name}${field}`;
}

/** The same of a list, of whose members `fieldOf` tells it. */
export function firstOf(
  path: string,
  list: unknown,
  fieldOf: (one: Fields) => string | null,
): string | null {
  if (!Array.isArray(list)) return null;
  for (const [at, one] of (list as Fields[]).entries()) {
    const found = fieldOf(one);
    if (found !== null) return `${path}[${at}]${found}`;
  }
  return null;
}
