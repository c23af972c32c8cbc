import { exactJson, exactTwin } from '../../common/exact-json.js';
import { readPair } from '../../content/body.js';
import { sentEvent } from '../../runtime/event-stream.js';
import { isGrowing, type PartPiece } from '../../tree/part-pieces.js';
import { type FilePart, partsOfSide, type ResponsePart } from '../../tree/parts.js';
import type { AnswerEvent, AnswerStream } from '../answer/answer.js';
import type { UrlOf } from '../client-chat/client-files.service.js';
import type { AguiEvent, AguiMessage } from './agui-message.js';
import { AnswerEvents } from './answer-events.js';
import { type RunOutcome, outcomeOf, type PairEnd } from './run-outcome.js';

export const PROTOCOL_VERSION = '1.0';

/** A run, and what is told of it. */
export interface AgentRun {
  threadId: string;
  runId: string;
  parentRunId?: string | null;
  /** What the page shall have before the answer; it keeps what it has where that is absent. */
  messages?: readonly AguiMessage[];
  /** Absent: the page keeps its own. */
  state?: unknown;
  /** Results that a page told in another form than messages: it is told the messages. */
  resultsOf?: (responseId: string) => AguiEvent[];
  /** Null: none is being written. */
  events: AnswerStream | null;
  /** How it ends where no answer is told. */
  outcome?: RunOutcome;
  urlsOf: (files: readonly FilePart[]) => Promise<UrlOf>;
}

/** A run as AG-UI 1.0 tells it: server-sent events without names. */
export async function* runEvents(run: AgentRun): AsyncGenerator<string> {
  for await (const event of eventsOf(run)) yield sentEvent(exactJson(event));
}

async function* eventsOf(run: AgentRun): AsyncGenerator<AguiEvent> {
  const { threadId, runId, events, messages, state, outcome = {} } = run;
  const ids = { threadId, runId };
  const began = (metadata: object | null): AguiEvent[] => [
    {
      ...{ type: 'RUN_STARTED', ...ids, protocolVersion: PROTOCOL_VERSION },
      ...(run.parentRunId && { parentRunId: run.parentRunId }),
      ...(metadata && { metadata }),
    },
    ...(messages ? [{ type: 'MESSAGES_SNAPSHOT', messages }] : []),
    ...(state === undefined ? [] : [{ type: 'STATE_SNAPSHOT', snapshot: state }]),
  ];
  if (events === null) {
    yield* began(null);
    yield { type: 'RUN_FINISHED', ...ids, ...outcome };
    return;
  }
  const told = new ToldRun(run, began);
  for await (const event of events) yield* await told.of(event);
}

class ToldRun {
  private urls: UrlOf = () => '';
  private answer: AnswerEvents | null = null;

  constructor(
    private readonly run: AgentRun,
    private readonly began: (metadata: object | null) => AguiEvent[],
  ) {}

  async of(event: AnswerEvent): Promise<AguiEvent[]> {
    switch (event.type) {
      case 'accepted': {
        const { chatId, responseId, parentResponseId, seq } = event;
        return this.begin(responseId, { chatId, responseId, parentResponseId, seq });
      }
      case 'delta':
        return this.answer!.delta(event.delta);
      case 'part':
        return this.piece(event.part);
      default:
        return this.finish(event.json);
    }
  }

  private begin(responseId: string, metadata: object | null): AguiEvent[] {
    this.answer = new AnswerEvents(responseId, (file) => this.urls(file));
    return [...this.began(metadata), ...(this.run.resultsOf?.(responseId) ?? [])];
  }

  private async piece(piece: PartPiece): Promise<AguiEvent[]> {
    if (isGrowing(piece)) return this.answer!.growing(piece);
    await this.look([piece]);
    return this.answer!.part(exactTwin(piece) as ResponsePart);
  }

  private async finish(json: string): Promise<AguiEvent[]> {
    const pair = readPair<PairEnd>(json);
    const parts = partsOfSide({ text: pair.response, parts: pair.response_parts });
    // Of an answer that was there already nothing may be known but its end.
    const beginning = this.answer ? [] : this.begin(pair.response_id, null);
    const missing = this.answer!.isEmpty ? await this.whole(parts) : [];
    const { threadId, runId } = this.run;
    const end = outcomeOf(pair, parts);
    return [
      ...beginning,
      ...missing,
      ...this.answer!.end(),
      'message' in end
        ? { type: 'RUN_ERROR', ...end }
        : { type: 'RUN_FINISHED', threadId, runId, ...end },
    ];
  }

  private async whole(parts: readonly ResponsePart[]): Promise<AguiEvent[]> {
    await this.look(parts);
    return parts.flatMap((part) => this.answer!.part(exactTwin(part) as ResponsePart));
  }

  /** Finds out where the files among some parts are. */
  private async look(parts: readonly ResponsePart[]): Promise<void> {
    const files = parts.filter((part) => part.type === 'file');
    if (files.length > 0) this.urls = await this.run.urlsOf(files);
  }
}
