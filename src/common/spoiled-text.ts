import type { FieldError } from './problems.js';

/**
 * The first string (key or value) that would be changed silently on its way into a store:
 * PostgreSQL refuses U+0000, and turns a lone surrogate into U+FFFD.
 */
export function spoiledText(value: unknown, path: string): FieldError | null {
  const fault = faultIn(value);
  return fault && { ...fault, path: path + fault.path };
}

/** Its path is that within the value, and made on the way back: most values are sound. */
function faultIn(value: unknown): FieldError | null {
  if (typeof value === 'string') return textFault(value);
  if (typeof value !== 'object' || value === null) return null;
  if (Array.isArray(value)) return faultInList(value);
  for (const key of Object.keys(value)) {
    const fault = textFault(key) ?? within(key, faultIn((value as Record<string, unknown>)[key]));
    if (fault) return fault;
  }
  return null;
}

function faultInList(items: readonly unknown[]): FieldError | null {
  for (let n = 0; n < items.length; n++) {
    const fault = within(n, faultIn(items[n]));
    if (fault) return fault;
  }
  return null;
}

const within = (key: string | number, fault: FieldError | null): FieldError | null =>
  fault && { ...fault, path: `.${key}${fault.path}` };

function textFault(text: string): FieldError | null {
  if (text.includes('\0')) return { path: '', message: 'must not contain U+0000' };
  return text.isWellFormed()
    ? null
    : { path: '', message: 'must be well-formed Unicode (it has a lone surrogate)' };
}
