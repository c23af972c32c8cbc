import { isObject } from '../../common/is-object.js';
import type { TextFormat } from '../../llm/settings.js';
import { isGiven } from './input-content.js';
import { unread } from './unread-fields.js';

export const VERBOSITIES = ['low', 'medium', 'high'] as const;
export const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
export const SUMMARIES = ['auto', 'concise', 'detailed'] as const;
export const FORMATS = ['text', 'json_object', 'json_schema'] as const;
const SCHEMA_BYTES_MAX = 128 * 1024;
const SCHEMA_FIELDS = ['name', 'schema', 'description', 'strict'];
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** What is wrong with the `text` of a response, for people; null when nothing is. */
export function textFault(text: unknown): string | null {
  if (!isObject(text)) return 'must be an object';
  const other = unknownIn(text, ['format', 'verbosity']);
  if (other) return other;
  const { format, verbosity } = text;
  if (isGiven(verbosity) && !VERBOSITIES.includes(verbosity as (typeof VERBOSITIES)[number]))
    return `.verbosity must be one of: ${VERBOSITIES.join(', ')}`;
  if (!isGiven(format)) return null;
  const fault = formatFault(format);
  return fault && `.format${fault}`;
}

function formatFault(format: unknown): string | null {
  if (!isObject(format) || !FORMATS.includes(format['type'] as TextFormat['type']))
    return `.type must be one of: ${FORMATS.join(', ')}`;
  return format['type'] === 'json_schema'
    ? (schemaFault(format) ?? unknownIn(format, ['type', ...SCHEMA_FIELDS]))
    : unknownIn(format, ['type']);
}

function schemaFault({
  name,
  schema,
  description,
  strict,
}: Record<string, unknown>): string | null {
  if (typeof name !== 'string' || !NAME.test(name))
    return '.name must have 1 to 64 letters, digits, dashes or underscores';
  if (!isObject(schema)) return '.schema must be a JSON Schema';
  if (isGiven(description) && typeof description !== 'string')
    return '.description must be a string';
  if (isGiven(strict) && typeof strict !== 'boolean') return '.strict must be true or false';
  return Buffer.byteLength(JSON.stringify(schema)) > SCHEMA_BYTES_MAX
    ? `.schema must have at most ${SCHEMA_BYTES_MAX} bytes as JSON`
    : null;
}

/** The same of a completion, which has the schema in a field of its own. */
export function responseFormatFault(format: unknown): string | null {
  if (!isObject(format) || format['type'] !== 'json_schema') return formatFault(format);
  const { json_schema: made } = format;
  if (!isObject(made)) return '.json_schema must be an object';
  const fault = schemaFault({ schema: {}, ...made }) ?? unknownIn(made, SCHEMA_FIELDS);
  return fault && `.json_schema${fault}`;
}

/** What is wrong with the `reasoning` of a response. */
export function reasoningFault(reasoning: unknown): string | null {
  if (!isObject(reasoning)) return 'must be an object';
  const other = unknownIn(reasoning, ['effort', 'summary', 'generate_summary']);
  if (other) return other;
  const { effort, summary, generate_summary: older } = reasoning;
  if (isGiven(effort) && !EFFORTS.includes(effort as (typeof EFFORTS)[number]))
    return `.effort must be one of: ${EFFORTS.join(', ')}`;
  const unknown = [summary, older].some(
    (one) => isGiven(one) && !SUMMARIES.includes(one as (typeof SUMMARIES)[number]),
  );
  return unknown ? `.summary must be one of: ${SUMMARIES.join(', ')}` : null;
}

function unknownIn(value: object, known: readonly string[]): string | null {
  const other = unread(value, known);
  return other && `${other} has no effect here; leave it out`;
}
