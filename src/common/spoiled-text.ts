import type { FieldError } from './problems.js';

/**
 * The first string (key or value) that would be changed silently on its way into a store: PostgreSQL refuses U+0000, and turns a lone surrogate
 * into U+FFFD.
 */
export function spoiledText(value: unknown, path: string): FieldError | null {
  if (typeof value === 'string') return textFault(value, path);
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const fault = textFault(key, path) ?? spoiledText(inner, `${path}.${key}`);
    if (fault) return fault;
  }
  return null;
}

function textFault(text: string, path: string): FieldError | null {
  if (text.includes('\0')) return { path, message: 'must not contain U+0000' };
  return text.isWellFormed() ? null : { path, message: 'must be well-formed Unicode (it has a lone surrogate)' };
}
