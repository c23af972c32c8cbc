import { handDown } from '../../common/exact-json.js';
import { isObject } from '../../common/is-object.js';
import { invalidField } from '../../common/problems.js';
import type { AnswerSettings, FunctionTool } from '../../llm/settings.js';
import { settingsFault } from '../../llm/settings-rules.js';
import type { UiChatDto } from './aisdk.dto.js';

/** How assistant-ui calls what a model is set to. */
const CALL_SETTINGS = {
  maxTokens: 'max_output_tokens',
  maxOutputTokens: 'max_output_tokens',
  temperature: 'temperature',
  topP: 'top_p',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  seed: 'seed',
} as const satisfies Record<string, keyof AnswerSettings>;

/** How an answer is asked for. @throws 422 */
export function settingsOf(body: UiChatDto): AnswerSettings {
  const { system, tools, callSettings } = body;
  const notes = notesOf(body);
  const settings = {
    ...(system?.trim() && { instructions: system }),
    ...(tools && { tools: toolsOf(tools) }),
    ...(callSettings && callSettingsOf(callSettings)),
    ...(Object.keys(notes).length > 0 && { metadata: notes }),
  };
  const fault = settingsFault(settings);
  if (fault) throw invalidField(pathOf(fault.path.slice(1)), fault.message);
  return settings;
}

/** Where in the body stands what is there in settings. */
function pathOf(path: string): string {
  const [field, ...inner] = path.split('.');
  const own = Object.entries(CALL_SETTINGS).find(([, name]) => name === field)?.[0];
  return own === undefined ? path : ['callSettings', own, ...inner].join('.');
}

/** The model that is asked for by name. @throws 422 for what of `config` is not for us to follow */
export function modelOf({ model, config }: UiChatDto): string | undefined {
  const { modelName = model, ...others } = config ?? {};
  const [other] = Object.entries(others).find(([, value]) => isGiven(value)) ?? [];
  if (other !== undefined)
    throw invalidField(`config.${other}`, 'cannot be chosen here: the server has its providers');
  if (modelName !== undefined && typeof modelName !== 'string')
    throw invalidField('config.modelName', 'must be a string');
  return modelName;
}

/** Tools by their names, as assistant-ui has them, or as a list with names in it. */
function toolsOf(tools: object): FunctionTool[] {
  const named: [unknown, unknown][] = Array.isArray(tools)
    ? tools.map((tool: unknown) => [isObject(tool) && tool.name, tool])
    : Object.entries(tools);
  // The digits of the numbers in their schemas go with them.
  handDown(tools);
  return named.map(([name, tool], at) => {
    if (!isObject(tool)) throw invalidField(`tools.${at}`, 'must be an object');
    handDown(tool);
    const { description, parameters = tool.inputSchema } = tool;
    return {
      type: 'function',
      name,
      ...(isGiven(description) && { description }),
      ...(isGiven(parameters) && { parameters }),
    } as FunctionTool;
  });
}

function callSettingsOf(given: Record<string, unknown>): AnswerSettings {
  const entries = Object.entries(given).filter(([, value]) => isGiven(value));
  return Object.fromEntries(
    entries.map(([field, value]) => {
      if (Object.hasOwn(CALL_SETTINGS, field))
        return [CALL_SETTINGS[field as keyof typeof CALL_SETTINGS], value];
      const known = Object.keys(CALL_SETTINGS).join(', ');
      throw invalidField(`callSettings.${field}`, `is not known here; known are ${known}`);
    }),
  );
}

/** What else a page says of its request, as texts: it is kept with the pair. */
const notesOf = ({ metadata, own }: UiChatDto): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...metadata, ...own }).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
