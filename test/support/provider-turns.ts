import type { Asked, Script, Turn } from './fake-provider.js';

const chunk = (choice: object): string =>
  `data: ${JSON.stringify({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, ...choice }],
  })}\n\n`;

/** A piece of text, as a provider says it on the wire. */
export const D = (content: string): string => chunk({ delta: { content }, finish_reason: null });
/** Why it ended. */
export const F = (reason: string): string => chunk({ delta: {}, finish_reason: reason });
export const DONE = 'data: [DONE]\n\n';

/** A frame of anything. */
export const frame = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

/**
 * The chunks of a turn in the order of its pieces, text in one of them; the input of a call comes
 * in three.
 */
export function deltasOf(turn: Turn): object[] {
  let calls = 0;
  return turn.flatMap((piece) => {
    if (typeof piece === 'string') return [{ content: piece }];
    if ('reasoning' in piece) return [{ reasoning_content: piece.reasoning }];
    if ('delta' in piece) return [piece.delta];
    const index = calls++;
    const { id = `call_${index + 1}`, name } = piece.tool;
    const input = inputOf(piece.tool);
    const third = Math.ceil(input.length / 3) || 1;
    const said = [0, 1, 2].map((at) => input.slice(at * third, (at + 1) * third));
    const first = { index, id, type: 'function', function: { name, arguments: '' } };
    const rest = said.filter(Boolean).map((text) => ({ index, function: { arguments: text } }));
    return [first, ...rest].map((call) => ({ tool_calls: [call] }));
  });
}

/** The same turn as one message. */
export function messageOf(turn: Turn): object {
  const texts = turn.filter((piece) => typeof piece === 'string');
  const thoughts = turn.flatMap((piece) =>
    typeof piece === 'object' && 'reasoning' in piece ? [piece.reasoning] : [],
  );
  const calls = turn.flatMap((piece) =>
    typeof piece === 'object' && 'tool' in piece ? [piece.tool] : [],
  );
  return {
    role: 'assistant',
    content: texts.length > 0 ? texts.join('') : null,
    ...(thoughts.length > 0 && { reasoning_content: thoughts.join('') }),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call, at) => ({
        id: call.id ?? `call_${at + 1}`,
        type: 'function',
        function: { name: call.name, arguments: inputOf(call) },
      })),
    }),
  };
}

const inputOf = ({ input }: { input: unknown }): string =>
  typeof input === 'string' ? input : JSON.stringify(input);

/**
 * A provider that does what it is asked, for `always`: it calls the first tool (the one that is
 * chosen; none where that is not allowed, or where the results are there), keeps to a format, tells
 * how many pictures and files it sees, and else says what it was told last.
 */
export function obliging({ body }: Asked): Script {
  const last = body.messages.at(-1);
  if (last.role === 'tool') return { turn: [`The tool says: ${last.content}`] };
  const call = callFor(body);
  if (call) return { turn: [{ tool: call }], finishReason: 'tool_calls' };
  const { type, json_schema: wanted } = body.response_format ?? {};
  if (type === 'json_schema') return { turn: [JSON.stringify(exampleOf(wanted.schema))] };
  if (type === 'json_object') return { turn: ['{"ok":true}'] };
  return { turn: [seen(last.content)] };
}

function callFor({ tools, tool_choice: choice }: any): { name: string; input: unknown } | null {
  if (!tools?.length || choice === 'none') return null;
  const named = tools.find((tool: any) => tool.function.name === choice?.function?.name);
  const { name, parameters } = (named ?? tools[0]).function;
  return { name, input: exampleOf(parameters ?? {}) };
}

function seen(content: any): string {
  if (typeof content === 'string') return `You said: ${content}`;
  const of = (type: string): any[] => content.filter((part: any) => part.type === type);
  const texts = of('text').map(({ text }) => text);
  const kinds = ['image_url', 'file', 'input_audio'].map((type) => `${of(type).length} ${type}`);
  return `I see ${kinds.join(', ')}. You said: ${texts.join('\n')}`;
}

const SIMPLE = { string: 'Paris', boolean: true, number: 21, integer: 21, null: null };

/** Some value that a JSON schema takes. */
export function exampleOf(schema: any): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const [type] = [schema.type ?? 'object'].flat();
  if (type === 'array') return [exampleOf(schema.items ?? {})];
  if (type !== 'object') return SIMPLE[type as keyof typeof SIMPLE];
  return Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([key, value]) => [key, exampleOf(value)]),
  );
}
