import { invalidField } from '../../common/problems.js';
import { isObject } from '../../common/is-object.js';
import type { FunctionTool, ToolChoice } from '../../llm/settings.js';
import { isGiven } from './input-content.js';
import { unread } from './unread-fields.js';

export const TOOLS_MAX = 128;
/** Of all tools together, as JSON. */
const TOOLS_BYTES_MAX = 256 * 1024;
export const TOOL_NAME = '^[a-zA-Z0-9_.-]{1,128}$';
const NAME = new RegExp(TOOL_NAME);
/** What is read of a function. */
export const FUNCTION_FIELDS = ['name', 'description', 'parameters', 'strict'];
/** What is known of functions and would have no effect here, nor at a provider of completions. */
const WITHOUT_EFFECT = ['allowed_callers', 'async', 'defer_loading', 'output_schema'];
const TOOL_FIELDS = ['type', ...FUNCTION_FIELDS, ...WITHOUT_EFFECT];
const MODES = ['auto', 'none', 'required'];

/** What is wrong with tools of a response, for people; null when nothing is. */
export const toolsFault = (tools: unknown): string | null =>
  listFault(tools, (tool) =>
    tool['type'] === 'function'
      ? (functionFault(tool) ?? withoutEffect(unread(tool, TOOL_FIELDS)))
      : notHere(tool['type']),
  );

/** The same of a completion, which has the function in a field of its own. */
export const completionToolsFault = (tools: unknown): string | null =>
  listFault(tools, (tool) => {
    if (tool['type'] !== 'function') return notHere(tool['type']);
    const { function: made } = tool;
    if (!isObject(made)) return '.function must be an object';
    const fault = functionFault(made);
    return fault && `.function${fault}`;
  });

function listFault(
  tools: unknown,
  faultOf: (tool: Record<string, unknown>) => string | null,
): string | null {
  if (!Array.isArray(tools) || tools.length > TOOLS_MAX)
    return `must be a list of at most ${TOOLS_MAX} tools`;
  const names = new Set<unknown>();
  for (const [at, tool] of tools.entries()) {
    if (!isObject(tool)) return `[${at}] must be an object`;
    const fault = faultOf(tool);
    if (fault) return `[${at}]${fault}`;
    const { name } = (isObject(tool['function']) ? tool['function'] : tool) as { name: string };
    if (names.has(name)) return `[${at}]: there are two tools of the name ${name}`;
    names.add(name);
  }
  return Buffer.byteLength(JSON.stringify(tools)) > TOOLS_BYTES_MAX
    ? `must have at most ${TOOLS_BYTES_MAX} bytes as JSON`
    : null;
}

const notHere = (type: unknown): string =>
  typeof type === 'string'
    ? `.type: tools of the type ${type.slice(0, 40)} cannot run here; only functions, which you run yourself`
    : '.type must be function';

function functionFault(tool: Record<string, unknown>): string | null {
  const { name, description, parameters, strict } = tool;
  if (typeof name !== 'string' || !NAME.test(name))
    return '.name must have 1 to 128 letters, digits, dots, dashes or underscores';
  if (isGiven(description) && typeof description !== 'string')
    return '.description must be a string';
  if (isGiven(parameters) && !isObject(parameters)) return '.parameters must be a JSON Schema';
  if (isGiven(strict) && typeof strict !== 'boolean') return '.strict must be true or false';
  const given = WITHOUT_EFFECT.find((field) => isGiven(tool[field]) && tool[field] !== false);
  return withoutEffect(given ? `.${given}` : null);
}

const withoutEffect = (field: string | null): string | null =>
  field && `${field} has no effect here; leave it out`;

/** What is wrong with the choice of a tool of a response. */
export function toolChoiceFault(choice: unknown): string | null {
  if (typeof choice === 'string')
    return MODES.includes(choice) ? null : `must be one of: ${MODES.join(', ')}`;
  if (!isObject(choice)) return 'must be a string or an object';
  const { type, mode, tools } = choice;
  if (type === 'function')
    return nameFault(choice) ?? withoutEffect(unread(choice, ['type', 'name']));
  if (type !== 'allowed_tools')
    return 'can name functions alone: {"type": "function", "name": …}, or allowed_tools of them';
  if (mode !== 'auto' && mode !== 'required') return '.mode must be auto or required';
  const fits =
    Array.isArray(tools) &&
    tools.length > 0 &&
    tools.every(
      (tool) => isObject(tool) && tool['type'] === 'function' && nameFault(tool) === null,
    );
  return fits
    ? withoutEffect(unread(choice, ['type', 'mode', 'tools']))
    : '.tools must be a list of functions: {"type": "function", "name": …}';
}

/** The same of a completion. */
export function completionChoiceFault(choice: unknown): string | null {
  if (!isObject(choice)) return toolChoiceFault(choice);
  if (choice['type'] === 'function')
    return isObject(choice['function'])
      ? nameFault(choice['function'])
      : '.function must be an object';
  const { type, allowed_tools: allowed } = choice;
  if (type !== 'allowed_tools' || !isObject(allowed)) return toolChoiceFault({ type });
  return toolChoiceFault({ type, ...allowed, tools: functionsIn(allowed['tools']) });
}

/** Functions by their names, which completions have one level deeper. */
export const functionsIn = (tools: unknown): unknown =>
  Array.isArray(tools)
    ? tools.map((tool: unknown) =>
        isObject(tool) && isObject(tool['function'])
          ? { type: tool['type'], name: tool['function']['name'] }
          : tool,
      )
    : tools;

const nameFault = ({ name }: Record<string, unknown>): string | null =>
  typeof name === 'string' && NAME.test(name) ? null : '.name must be that of a function';

/** @throws 422 for a choice of a tool that is not there */
export function assertChoice({
  tools,
  tool_choice: choice,
}: {
  tools?: readonly FunctionTool[] | null;
  tool_choice?: ToolChoice | null;
}): void {
  const names = (tools ?? []).map(({ name }) => name);
  if (choice === 'required' && names.length === 0)
    throw invalidField('tool_choice', 'needs a function among the tools');
  const unknown = namedBy(choice).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw invalidField('tool_choice', `names ${unknown}, which is not among the tools`);
}

function namedBy(choice: ToolChoice | null | undefined): string[] {
  if (typeof choice !== 'object' || choice === null) return [];
  return choice.type === 'function' ? [choice.name] : choice.tools.map(({ name }) => name);
}
