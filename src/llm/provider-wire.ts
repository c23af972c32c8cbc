import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { isObject } from '../common/is-object.js';
import type { SourcePart } from '../tree/parts.js';
import { ModelError } from './language-model.js';
import { brokenConnection, brokenOff, endedEarly, noAnswer } from './provider-faults.js';

/** A provider that says so much without saying anything is not speaking our language. */
const SILENT_BYTES_MAX = 1024 * 1024;
const DONE = '[DONE]';

type Fields = Record<string, unknown>;

/**
 * What comes from a provider, before the library reads it: frames that mean nothing are left out,
 * those that mean something are given on with nothing in them but what the library knows, and what
 * it has no place for is kept here. A fault ends the stream as an end in order would, so that all
 * that was said before it is heard; `fault` says what it was.
 */
export class ProviderWire {
  /** In the provider's own words; null while it gave none. */
  finishReason: string | null = null;
  usage: Fields | null = null;
  refusal = '';
  readonly sources: SourcePart[] = [];
  /** Of thoughts, what only their provider can read. */
  readonly details: Fields[] = [];
  private broken: ModelError | null = null;
  private silentBytes = 0;
  /** Whether it said something that could be understood; something that could not. */
  private isUnderstood = false;
  private isStrange = false;
  private isOver = false;

  /** Why there was no end in order; null where there was one. */
  get fault(): ModelError | null {
    if (this.broken || this.finishReason !== null) return this.broken;
    return this.isStrange && !this.isUnderstood ? noAnswer() : endedEarly();
  }

  async *read(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const events: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => events.push(event) });
    const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
    try {
      for await (const chunk of body) {
        this.pass(chunk.length);
        parser.feed(decoder.decode(chunk, { stream: true }));
        const frames = this.framesOf(events.splice(0));
        if (frames !== '') yield encoder.encode(frames);
        if (this.isOver) return;
      }
    } catch (error) {
      this.lose(error instanceof ModelError ? error : brokenConnection());
    }
  }

  private framesOf(events: readonly EventSourceMessage[]): string {
    let frames = '';
    for (const event of events) {
      if (this.isOver) break;
      try {
        frames += this.frameOf(event);
      } catch (error) {
        this.lose(error as ModelError);
      }
    }
    return frames;
  }

  /** The frame for the library; an empty text where there is nothing in it for it. */
  private frameOf({ event, data }: EventSourceMessage): string {
    if (data.trim() === '') return '';
    if (data.trim() === DONE) {
      this.isOver = true;
      return '';
    }
    const said = parsed(data);
    if (said === undefined) throw noAnswer();
    if (!isObject(said)) return '';
    const error = said.error ?? (event === 'error' || said.object === 'error' ? said : null);
    if (error) throw brokenOff(error);
    return this.chunkOf(said);
  }

  private chunkOf({ choices, usage, citations }: Fields): string {
    if (isObject(usage)) this.usage = usage;
    this.cite(listOf(citations).map((url) => ({ url })));
    const [choice] = listOf(choices).filter(isObject);
    if (!Array.isArray(choices)) this.isStrange = true;
    if (!choice) return '';
    this.isUnderstood = true;
    const delta = [choice.delta, choice.message].find(isObject) ?? {};
    this.note(delta);
    if (typeof choice.finish_reason === 'string') this.finishReason = choice.finish_reason;
    const known = knownOf(delta);
    if (known.content?.length || known.reasoning_content || known.tool_calls.length > 0)
      this.silentBytes = 0;
    const { finishReason: finish_reason } = this;
    return `data: ${JSON.stringify({ choices: [{ delta: known, finish_reason }] })}\n\n`;
  }

  /** What the library has no place for. */
  private note(delta: Fields): void {
    this.refusal += textOf(delta.refusal) ?? '';
    const cited = listOf(delta.annotations).filter(isObject);
    this.cite(cited.map(({ url_citation: one }) => (isObject(one) ? one : {})));
    for (const detail of listOf(delta.reasoning_details).filter(isObject)) this.addDetail(detail);
  }

  private cite(sources: readonly Fields[]): void {
    for (const { url, title } of sources) {
      if (typeof url !== 'string' || this.sources.some((one) => one.url === url)) continue;
      this.sources.push({ type: 'source', url, ...(typeof title === 'string' && { title }) });
    }
  }

  /** They come in pieces, as texts do. */
  private addDetail(detail: Fields): void {
    const last = this.details.at(-1);
    if (!last || last.type !== detail.type || last.index !== detail.index)
      return void this.details.push({ ...detail });
    for (const [key, value] of Object.entries(detail)) {
      const grows = ['text', 'summary', 'data'].includes(key) && typeof last[key] === 'string';
      if (value !== null) last[key] = grows ? `${String(last[key])}${textOf(value) ?? ''}` : value;
    }
  }

  private pass(bytes: number): void {
    this.silentBytes += bytes;
    if (this.silentBytes > SILENT_BYTES_MAX) throw noAnswer();
  }

  /** A connection that breaks behind the end changes nothing. */
  private lose(fault: ModelError): void {
    if (this.finishReason === null || fault.code !== 'answer_cut') this.broken ??= fault;
    this.isOver = true;
  }
}

/** The fields of a delta that the library reads, in the shapes that it takes. */
function knownOf(delta: Fields) {
  const { content } = delta;
  return {
    content: Array.isArray(content) ? (content as unknown[]).filter(isTyped) : textOf(content),
    reasoning_content: textOf(delta.reasoning_content) ?? textOf(delta.reasoning),
    tool_calls: listOf(delta.tool_calls).filter(isObject).map(callOf),
  };
}

function callOf({ index, id, function: called, extra_content: extra }: Fields): object {
  const { name, arguments: input } = isObject(called) ? called : {};
  return {
    ...(typeof index === 'number' && { index }),
    id: textOf(id),
    // Some send it as the object that it shall become.
    function: {
      name: textOf(name),
      arguments: isObject(input) ? JSON.stringify(input) : textOf(input),
    },
    ...(isObject(extra) && isObject(extra.google) && { extra_content: googleOf(extra.google) }),
  };
}

const googleOf = ({ thought_signature: signature }: Fields): object => ({
  google: { thought_signature: textOf(signature) },
});

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const isTyped = (part: unknown): boolean => isObject(part) && typeof part.type === 'string';

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
