import { exactTwin, handDown } from '../../common/exact-json.js';
import { plainMetadataFault } from '../../common/metadata.js';
import { checkedName, NAME_CHARS_MAX } from '../../common/name.js';
import { invalidField } from '../../common/problems.js';
import type { DataPart, InstructionPart, ToolResultPart } from '../../tree/parts.js';
import type { AguiResumeDto, RunAgentInputDto } from './agui.dto.js';
import { KEPT, pairIdOf, ROLES } from './agui-message.js';
import { contentOf, type SaidPiece } from './run-content.js';

type Message = Record<string, unknown> & { id: string; role: (typeof ROLES)[number] };

/** The question of a pair that a page wants to be there. */
export interface Unit {
  /** Of calls of the answer before it. */
  results: ToolResultPart[];
  pieces: SaidPiece[];
  author: string | null;
  metadata: Record<string, unknown> | null;
  /** Where in the request it stands. */
  path: string;
}

/** What a run is asked for. */
export interface RunTurn {
  /**
   * What comes behind the newest message that is known here: the model answers the last one. None
   * where there is nothing new.
   */
  units: Unit[];
  /** What systems say, anywhere in the request. */
  systems: InstructionPart[];
  /** The pair of the newest message that is known here. */
  after: string | null;
  /** Whether that message is an answer, behind which nothing was said. */
  endsWithAnswer: boolean;
  /** Kept with the last question. */
  kept: DataPart[];
}

const KNOWN = ['id', 'role', 'content', 'name', 'metadata'] as const;

/**
 * What a run says, and behind what. Messages that we told are known by their ids; what stands
 * behind the newest of them is new. Messages of assistants, thoughts and activities that a page
 * made itself are skipped.
 * @throws 422 for what cannot be said
 */
export function turnOf({ messages, resume, state }: RunAgentInputDto): RunTurn {
  handDown(messages);
  const all = messages.map(checked);
  const at = all.findLastIndex((one) => pairIdOf(one) !== null);
  const fresh = all.map((one, n) => ({ one, path: `messages.${n}` })).slice(at + 1);
  const ofRole = (role: Message['role']) => fresh.filter(({ one }) => one.role === role);
  const results = [
    ...ofRole('tool').map(({ one, path }) => resultOf(one, path)),
    ...(resume ?? []).map(resumed),
  ];
  const units = ofRole('user').map(({ one, path }) => unitOf(one, path));
  if (units[0]) units[0].results = results;
  else if (results.length > 0) units.push({ ...NOTHING, results, path: 'messages' });
  return {
    units,
    systems: all.flatMap((one, n) => instructionOf(one, `messages.${n}`)),
    after: at < 0 ? null : pairIdOf(all[at]!),
    endsWithAnswer: at >= 0 && at === all.length - 1 && all[at]!.role === 'assistant',
    kept: keptOf(state, resume ?? []),
  };
}

const NOTHING: Omit<Unit, 'results' | 'path'> = { pieces: [], author: null, metadata: null };

function checked(message: Record<string, unknown>, at: number): Message {
  const { id, role } = message;
  if (typeof id !== 'string') throw invalidField(`messages.${at}.id`, 'must be a string');
  checkedName(`messages.${at}.id`, id);
  if (!(ROLES as readonly unknown[]).includes(role))
    throw invalidField(`messages.${at}.role`, `must be one of: ${ROLES.join(', ')}`);
  return message as Message;
}

function unitOf(message: Message, path: string): Unit {
  handDown(message);
  const { content, name, metadata } = message;
  const fault = isGiven(metadata) ? plainMetadataFault(metadata) : null;
  if (fault) throw invalidField(`${path}.metadata`, fault);
  if (isGiven(name) && typeof name !== 'string')
    throw invalidField(`${path}.name`, `must be a text of at most ${NAME_CHARS_MAX} characters`);
  const pieces = contentOf(content, `${path}.content`);
  if (!pieces.some((piece) => piece.type !== 'text' || piece.text.trim() !== ''))
    throw invalidField(`${path}.content`, 'must not be empty or blank');
  return {
    results: [],
    pieces: [...pieces, ...besideOf(message, KNOWN)],
    author: typeof name === 'string' ? checkedName(`${path}.name`, name) : null,
    metadata: (metadata as Record<string, unknown> | undefined) ?? null,
    path,
  };
}

/** Fields of a message that have no place of their own here. */
function besideOf(message: Message, known: readonly string[]): DataPart[] {
  const others = Object.entries(message).filter(
    ([key, value]) => !known.includes(key) && isGiven(value),
  );
  if (others.length === 0) return [];
  const value = exactTwin(Object.fromEntries(others));
  return [{ type: 'data', name: KEPT.message, value }];
}

function resultOf(message: Message, path: string): ToolResultPart {
  const { toolCallId, content = '', error } = message;
  if (typeof toolCallId !== 'string') throw invalidField(`${path}.toolCallId`, 'must be a string');
  const output = outputOf(content, `${path}.content`);
  const result = { type: 'tool_result', call_id: toolCallId } as const;
  if (!isGiven(error)) return { ...result, output };
  return { ...result, output: output === '' ? error : output, is_error: true };
}

function outputOf(content: unknown, path: string): unknown {
  if (typeof content === 'string') return content;
  const pieces = contentOf(content, path);
  if (!pieces.every(({ type }) => type === 'text'))
    throw invalidField(path, 'must be text: files that tools give are not taken yet');
  return pieces;
}

function resumed({ interruptId, status, payload }: AguiResumeDto): ToolResultPart {
  const result = { type: 'tool_result', call_id: interruptId } as const;
  if (status === 'resolved') return { ...result, output: payload ?? null };
  return { ...result, output: payload ?? 'The person did not allow it.', is_error: true };
}

function instructionOf(message: Message, path: string): InstructionPart[] {
  const { role, content, name } = message;
  if (role !== 'system' && role !== 'developer') return [];
  if (isGiven(name))
    throw invalidField(`${path}.name`, 'can be kept of users alone; say it in the content');
  if (typeof content !== 'string' || content.trim() === '')
    throw invalidField(`${path}.content`, 'must be a text that is not blank');
  return [{ type: 'instruction', role, text: content }];
}

function keptOf(state: unknown, resume: readonly AguiResumeDto[]): DataPart[] {
  const told = resume.flatMap(({ interruptId, metadata }) =>
    metadata ? [{ interruptId, metadata }] : [],
  );
  return [
    ...(isGiven(state) ? [{ type: 'data', name: KEPT.state, value: state } as const] : []),
    ...(told.length > 0 ? [{ type: 'data', name: KEPT.resume, value: told } as const] : []),
  ];
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
