import { spoiledText } from '../../common/spoiled-text.js';
import { invalidField } from '../../common/problems.js';
import type { Fates } from './field-fates.js';
import { isGiven } from './input-content.js';

const BYTES_MAX = 16 * 1024;

/**
 * Fields of a body that OpenAI's API has not, or not yet: the provider may know them, so it is told
 * them as they are. @throws 422 for what cannot be kept
 */
export function furtherFields(body: unknown, fates: Fates): Record<string, unknown> | undefined {
  const found = Object.entries(body as object).filter(
    ([name, value]) => !Object.hasOwn(fates, name) && isGiven(value),
  );
  for (const [name, value] of found) {
    const spoiled = spoiledText(value, name);
    if (spoiled) throw invalidField(spoiled.path, spoiled.message);
  }
  const further = Object.fromEntries(found);
  if (Buffer.byteLength(JSON.stringify(further)) > BYTES_MAX)
    throw invalidField(found[0]![0], `must have at most ${BYTES_MAX} bytes as JSON`);
  return found.length > 0 ? further : undefined;
}
