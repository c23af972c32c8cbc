import { exactJson, handDown } from '../../common/exact-json.js';
import { isObject } from '../../common/is-object.js';
import { invalidField } from '../../common/problems.js';
import type { AnswerSettings, FunctionTool } from '../../llm/settings.js';
import { settingsFault } from '../../llm/settings-rules.js';
import type { AguiToolDto, RunAgentInputDto } from './agui.dto.js';

/** Under which name the metadata of tools are kept with an answer. */
const TOOL_NOTE = 'toolMetadata';

/**
 * How an answer is asked for.
 * @param systemPrompt of the chat: what a run is told besides does not take its place
 * @throws 422
 */
export function settingsOf(body: RunAgentInputDto, systemPrompt: string | null): AnswerSettings {
  const { tools } = body;
  const told = (body.context ?? []).map(({ description, value }) => `${description}:\n${value}`);
  const instructions = [...(systemPrompt === null ? [] : [systemPrompt]), ...told].join('\n\n');
  const notes = notesOf(body);
  const settings = {
    ...(told.length > 0 && { instructions }),
    ...(tools && tools.length > 0 && { tools: toolsOf(tools) }),
    ...(Object.keys(notes).length > 0 && { metadata: notes }),
  };
  const fault = settingsFault(settings);
  if (fault) throw invalidField(fault.path.slice(1) || 'forwardedProps', fault.message);
  return settings;
}

/** The model that is asked for by name. @throws 422 */
export function modelOf({ forwardedProps }: RunAgentInputDto): string | undefined {
  const model = isObject(forwardedProps) ? forwardedProps['model'] : undefined;
  if (model === undefined || model === null) return undefined;
  if (typeof model !== 'string' || model.trim() === '')
    throw invalidField('forwardedProps.model', 'must be a name of a model');
  return model;
}

function toolsOf(tools: readonly AguiToolDto[]): FunctionTool[] {
  // The digits of the numbers in their schemas go with them.
  handDown(tools);
  return tools.map((tool) => {
    handDown(tool);
    const { name, description, parameters } = tool;
    return {
      type: 'function',
      name,
      ...(description && { description }),
      ...(parameters && { parameters }),
    };
  });
}

/** What else a page says of its run, as texts: it is kept with the pair. */
function notesOf({
  tools,
  forwardedProps,
  parentRunId,
  own = {},
}: RunAgentInputDto): Record<string, string> {
  const noted = (tools ?? []).filter(({ metadata }) => metadata);
  const notes = {
    ...own,
    ...(isSaid(forwardedProps) && { forwardedProps }),
    ...(parentRunId && { parentRunId }),
    ...(noted.length > 0 && {
      [TOOL_NOTE]: Object.fromEntries(noted.map(({ name, metadata }) => [name, metadata])),
    }),
  };
  return Object.fromEntries(
    Object.entries(notes).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : exactJson(value),
    ]),
  );
}

const isSaid = (value: unknown): boolean =>
  value !== undefined && value !== null && !(isObject(value) && Object.keys(value).length === 0);

/** Metadata of a tool by its name, as an answer was asked for. */
export function toolMetadataOf(
  settings: AnswerSettings | null | undefined,
): Readonly<Record<string, Record<string, unknown>>> {
  const note = settings?.metadata?.[TOOL_NOTE];
  if (note === undefined) return {};
  try {
    return JSON.parse(note) as Record<string, Record<string, unknown>>;
  } catch {
    // Another client's note of this name.
    return {};
  }
}
