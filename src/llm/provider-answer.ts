import { jsonIn } from '../common/exact-json.js';
import type { ReasoningPart, ResponsePart, ToolCallPart } from '../tree/parts.js';
import { CleanText, cutToBytes } from './clean-text.js';
import type { ModelPart } from './language-model.js';
import type { ProviderPart } from './provider-types.js';
import type { ProviderWire } from './provider-wire.js';

/** The contract's limit for a response, in bytes of UTF-8. */
export const ANSWER_BYTES_MAX = 256 * 1024;
/** Of all that is no text, as JSON; the contract's limit leaves room for the names of fields. */
const PARTS_BYTES_MAX = 448 * 1024;
/** The contract allows 500, texts included; each of them may part two texts. */
const PARTS_MAX = 240;

type SaidPart = Exclude<ModelPart, { type: 'end' }>;

/** What is open: its pieces so far, made clean on their way. */
class Open {
  text = '';
  private readonly cleaner = new CleanText();

  constructor(
    readonly id: string,
    readonly name = '',
  ) {}

  push(delta: string): string {
    return this.add(this.cleaner.push(delta));
  }

  end(): string {
    return this.add(this.cleaner.end());
  }

  private add(clean: string): string {
    this.text += clean;
    return clean;
  }
}

/**
 * What a model said so far, made out of what the library gives: clean, and not above the limits.
 */
export class ProviderAnswer {
  /** Text, thoughts and inputs of calls. */
  said = '';
  isFull = false;
  hasCalls = false;
  /** Whether there is anything to be read but thoughts. */
  hasWords = false;
  private bytes = 0;
  private partBytes = 0;
  private parts = 0;
  private readonly cleaner = new CleanText();
  private thought: Open | null = null;
  private readonly calls = new Map<string, Open>();
  private readonly signatures: Record<string, unknown> = {};

  constructor(private readonly wire: ProviderWire) {}

  *hear(part: ProviderPart): Generator<SaidPart> {
    switch (part.type) {
      case 'text-delta':
        return yield* this.takeText(this.cleaner.push(part.delta));
      case 'reasoning-delta':
        this.thought ??= new Open(part.id);
        return yield* this.think(this.thought.push(part.delta));
      case 'reasoning-end':
        return yield* this.endThought();
      case 'tool-input-start':
        return void this.calls.set(part.id, new Open(part.id, part.toolName));
      case 'tool-input-delta':
        return yield* this.takeInput(this.calls.get(part.id), part.delta);
      case 'tool-call':
        return yield* this.endCall(part);
    }
  }

  /** The rest, when nothing more comes. */
  *end(): Generator<SaidPart> {
    yield* this.takeText(this.cleaner.end());
    yield* this.endThought();
    const { details, refusal, sources } = this.wire;
    const opaque = {
      ...(details.length > 0 && { reasoning_details: details }),
      ...(Object.keys(this.signatures).length > 0 && { thought_signatures: this.signatures }),
    };
    if (Object.keys(opaque).length > 0) yield* this.part({ type: 'reasoning', text: '', opaque });
    if (refusal !== '') yield* this.part({ type: 'refusal', text: cleaned(refusal) });
    for (const source of sources) yield* this.part(source);
  }

  private *takeText(clean: string): Generator<SaidPart> {
    const text = cutToBytes(clean, ANSWER_BYTES_MAX - this.bytes);
    this.isFull ||= text.length < clean.length;
    this.bytes += Buffer.byteLength(text);
    this.said += text;
    this.hasWords ||= text.trim() !== '';
    if (text !== '') yield { type: 'delta', text };
  }

  private *think(text: string): Generator<SaidPart> {
    if (text !== '' && this.hasRoom(text)) yield { type: 'reasoning', text };
  }

  private *endThought(): Generator<SaidPart> {
    const { thought } = this;
    this.thought = null;
    if (!thought) return;
    yield* this.think(thought.end());
    const part: ReasoningPart = { type: 'reasoning', text: thought.text };
    yield* this.part(part, true);
  }

  private *takeInput(open: Open | undefined, delta: string): Generator<SaidPart> {
    const text = open?.push(delta) ?? '';
    if (open && text !== '' && this.hasRoom(text))
      yield { type: 'tool_input', call_id: open.id, name: open.name, delta: text };
  }

  private *endCall(call: Extract<ProviderPart, { type: 'tool-call' }>): Generator<SaidPart> {
    const input = inputOf(call.input);
    // The library ends a call whose input broke off as if it were whole.
    if ((typeof input === 'string' || call.input === '') && this.wire.fault) return;
    this.calls.delete(call.toolCallId);
    const { thoughtSignature } = Object.values(call.providerMetadata ?? {})[0] ?? {};
    if (thoughtSignature !== undefined) this.signatures[call.toolCallId] = thoughtSignature;
    const { toolCallId: call_id, toolName: name } = call;
    const part: ToolCallPart = { type: 'tool_call', call_id, name, input };
    yield* this.part(part, true);
  }

  /** @param isSaid whether its pieces were counted before */
  private *part(part: ResponsePart, isSaid = false): Generator<SaidPart> {
    if (!isSaid && !this.hasRoom(JSON.stringify(part))) return;
    this.parts++;
    this.isFull ||= this.parts >= PARTS_MAX;
    this.hasWords ||= part.type !== 'reasoning';
    this.hasCalls ||= part.type === 'tool_call';
    yield { type: 'part', part };
  }

  private hasRoom(more: string): boolean {
    this.partBytes += Buffer.byteLength(JSON.stringify(more));
    this.isFull ||= this.partBytes > PARTS_BYTES_MAX;
    if (!this.isFull) this.said += more;
    return !this.isFull;
  }
}

/** Behind an even number of backslashes it is one. */
const NUL_ESCAPED = /((?:^|[^\\])(?:\\\\)*)\\u0000/g;

/** As the model wrote it, to the last digit; a text where that is no JSON. */
const inputOf = (text: string): unknown =>
  jsonIn(cleaned(text).replace(NUL_ESCAPED, '$1\\ufffd') || '{}');

const cleaned = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd');
