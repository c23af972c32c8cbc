import { isObject } from '../common/is-object.js';
import { isLonger } from '../common/text-length.js';
import type { AnswerSettings } from './settings.js';

/** Why a value is none that a field may have, as a sentence; null when it is. */
type Rule = (value: unknown) => string | null;
type Rules = Readonly<Record<string, Rule>>;

export interface SettingsFault {
  /** Where: `.tools.0.name`. */
  path: string;
  message: string;
}

export const SETTINGS_BYTES_MAX = 256 * 1024;
const TOOLS_MAX = 128;
const NAME_CHARS_MAX = 200;
const STOPS_MAX = 16;

const text: Rule = (value) => (typeof value === 'string' ? null : 'must be a string');
const said: Rule = (value) =>
  text(value) ?? ((value as string).trim() === '' ? 'must not be empty or blank' : null);
const name: Rule = (value) =>
  said(value) ??
  (isLonger(value as string, NAME_CHARS_MAX) || /\p{Cc}/u.test(value as string)
    ? `must have at most ${NAME_CHARS_MAX} characters and no control characters`
    : null);
const flag: Rule = (value) => (typeof value === 'boolean' ? null : 'must be true or false');
const object: Rule = (value) => (isObject(value) ? null : 'must be an object');
const oneOf =
  (...values: string[]): Rule =>
  (value) =>
    values.includes(value as string) ? null : `must be one of: ${values.join(', ')}`;
const number =
  (min: number, max: number): Rule =>
  (value) =>
    typeof value === 'number' && value >= min && value <= max
      ? null
      : `must be a number from ${min} to ${max}`;
const whole =
  (min: number): Rule =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min
      ? null
      : `must be a whole number from ${min}`;
const orNull =
  (rule: Rule): Rule =>
  (value) =>
    value === null ? null : rule(value);
const texts: Rule = (value) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= STOPS_MAX &&
  value.every((one) => typeof one === 'string' && one !== '')
    ? null
    : `must be a list of 1 to ${STOPS_MAX} texts`;
const notes: Rule = (value) =>
  isObject(value) && Object.values(value).every((one) => typeof one === 'string')
    ? null
    : 'must be an object of texts';

/** Of each field, but for those that have fields of their own. */
const FIELDS: { readonly [Field in keyof AnswerSettings]: Rule } = {
  instructions: said,
  temperature: number(0, 2),
  top_p: number(0, 1),
  max_output_tokens: whole(1),
  stop: texts,
  seed: whole(Number.MIN_SAFE_INTEGER),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  parallel_tool_calls: flag,
  max_tool_calls: whole(1),
  truncation: oneOf('auto', 'disabled'),
  verbosity: name,
  metadata: notes,
};
const TOOL: Rules = {
  type: oneOf('function'),
  name,
  description: orNull(text),
  parameters: orNull(object),
  strict: orNull(flag),
};
const NAMED: Rules = { type: oneOf('function'), name };
const FORMATS: Readonly<Record<string, { rules: Rules; required: readonly string[] }>> = {
  text: { rules: {}, required: [] },
  json_object: { rules: {}, required: [] },
  json_schema: {
    rules: { name, description: orNull(text), schema: object, strict: orNull(flag) },
    required: ['name', 'schema'],
  },
};
const REASONING: Rules = { effort: orNull(name), summary: orNull(name) };

/** What is wrong with the settings of an answer; null when nothing is. */
export function settingsFault(settings: unknown): SettingsFault | null {
  if (!isObject(settings)) return at('', 'must be an object');
  // Not all of them at once: the first that is unknown ends it.
  for (const field in settings) {
    const value = settings[field];
    const fault = Object.hasOwn(OWN, field)
      ? OWN[field]!(value)
      : fieldsFault({ [field]: value }, FIELDS as Rules);
    if (fault) return Object.hasOwn(OWN, field) ? under(`.${field}`, fault) : fault;
  }
  return Buffer.byteLength(JSON.stringify(settings)) > SETTINGS_BYTES_MAX
    ? at('', `must have at most ${SETTINGS_BYTES_MAX} bytes of JSON`)
    : null;
}

/** The fields that have fields of their own. */
const OWN: Readonly<Record<string, (value: unknown) => SettingsFault | null>> = {
  tools: toolsFault,
  tool_choice: choiceFault,
  format: formatFault,
  reasoning: (value) => fieldsFault(value, REASONING),
};

function toolsFault(tools: unknown): SettingsFault | null {
  if (!Array.isArray(tools) || tools.length > TOOLS_MAX)
    return at('', `must be a list of at most ${TOOLS_MAX} tools`);
  for (const [n, tool] of tools.entries()) {
    const fault = fieldsFault(tool, TOOL, ['type', 'name']);
    if (fault) return under(`.${n}`, fault);
  }
  return null;
}

function choiceFault(choice: unknown): SettingsFault | null {
  if (!isObject(choice)) return told(oneOf('auto', 'none', 'required')(choice));
  if (choice['type'] !== 'allowed_tools') return fieldsFault(choice, NAMED, ['type', 'name']);
  const rules = { type: oneOf('allowed_tools'), mode: oneOf('auto', 'required'), tools: any };
  return (
    fieldsFault(choice, rules, ['mode', 'tools']) ??
    listFault(choice['tools'], (tool) => fieldsFault(tool, NAMED, ['type', 'name']))
  );
}

function listFault(
  list: unknown,
  faultOf: (item: unknown) => SettingsFault | null,
): SettingsFault | null {
  if (!Array.isArray(list)) return at('.tools', 'must be a list');
  for (const [n, item] of list.entries()) {
    const fault = faultOf(item);
    if (fault) return under(`.tools.${n}`, fault);
  }
  return null;
}

function formatFault(format: unknown): SettingsFault | null {
  if (!isObject(format)) return at('', 'must be an object');
  const { type, ...rest } = format;
  if (typeof type !== 'string' || !Object.hasOwn(FORMATS, type))
    return at('.type', `must be one of: ${Object.keys(FORMATS).join(', ')}`);
  const { rules, required } = FORMATS[type]!;
  return fieldsFault(rest, rules, required);
}

function fieldsFault(
  value: unknown,
  rules: Rules,
  required: readonly string[] = [],
): SettingsFault | null {
  if (!isObject(value)) return at('', 'must be an object');
  const missing = required.find((field) => !Object.hasOwn(value, field));
  if (missing !== undefined) return at(`.${missing}`, 'must be given');
  for (const [field, inner] of Object.entries(value)) {
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
    const fault = rule ? rule(inner) : 'there is no such field; leave it out';
    if (fault) return at(`.${field}`, fault);
  }
  return null;
}

const any: Rule = () => null;
const at = (path: string, message: string): SettingsFault => ({ path, message });
const told = (message: string | null): SettingsFault | null =>
  message === null ? null : at('', message);
const under = (path: string, fault: SettingsFault): SettingsFault => ({
  ...fault,
  path: path + fault.path,
});
