import { Injectable } from '@nestjs/common';
import { isObject } from '../../common/is-object.js';
import { invalidField } from '../../common/problems.js';
import { partsFault, QUESTION_BYTES_MAX } from '../../tree/part-rules.js';
import type { DataPart, InstructionPart, QuestionPart } from '../../tree/parts.js';
import type { AnswerStream } from '../answer/answer.js';
import { PathService } from '../chat/path.service.js';
import { ClientFiles } from '../client-chat/client-files.service.js';
import { type ClientPlace, ClientPlaces } from '../client-chat/client-places.service.js';
import { type ClientPost, ClientPosts } from '../client-chat/client-posts.service.js';
import type { RunAgentInputDto } from './agui.dto.js';
import { stateOf } from './agui-history.js';
import { type AguiMessage, KEPT, pairIdOf } from './agui-message.js';
import { Again, type PreparedUnit, type PreparedTurn, type RunPlace } from './again.service.js';
import { turnOf, type Unit } from './run-request.js';

/** What is told of a run. */
export interface BegunRun {
  events: AnswerStream;
  /** In the place of those that the page has, where it has words that are said anew. */
  messages?: AguiMessage[];
}

/** What a page says in a run, as posts to chats. */
@Injectable()
export class AguiRuns {
  constructor(
    private readonly paths: PathService,
    private readonly places: ClientPlaces,
    private readonly posts: ClientPosts,
    private readonly again: Again,
    private readonly files: ClientFiles,
  ) {}

  /**
   * The questions of a run, with their files kept. Before the chat is made: a file that is none
   * makes no chat. @throws 422; file_not_found, files_full
   */
  async prepare(accountId: string, body: RunAgentInputDto): Promise<PreparedTurn> {
    const turn = turnOf(body);
    const units: PreparedUnit[] = [];
    for (const unit of turn.units)
      units.push({ ...unit, parts: await this.partsOf(accountId, unit) });
    return { ...turn, units };
  }

  /**
   * Says what is new, or has an answer made anew where nothing is.
   * @param messages those of the page
   * @throws 422 where there is nothing to answer; message_not_found, and what `PostService.post`
   * and `RevisionService.revise` throw
   */
  async begin(
    place: RunPlace,
    turn: PreparedTurn,
    told: Pick<ClientPost, 'model' | 'settings'>,
    messages: readonly Record<string, unknown>[],
  ): Promise<BegunRun> {
    const { accountId, rootChatId, key } = place;
    const known =
      turn.after === null ? null : await this.places.placeOf(accountId, rootChatId, turn.after);
    const { again, units, after } = await this.again.find(place, turn, known);
    if (again) {
      const events = await this.again.answer(again, { accountId, key, ...told });
      if (!turn.endsWithAnswer) return { events };
      return { events, messages: without(messages as AguiMessage[], again.pair.responseId) };
    }
    const instructions = await this.fresh(accountId, after, turn.systems);
    const kept = await this.worthKeeping(accountId, after, turn.kept);
    const post = { accountId, rootChatId, key, after, ...told };
    return { events: await this.posts.post({ ...post, ...saidIn(units, instructions, kept) }) };
  }

  /** Clients send all that systems say each time. */
  private async fresh(
    accountId: string,
    place: ClientPlace | null,
    systems: readonly InstructionPart[],
  ): Promise<InstructionPart[]> {
    const texts = systems.map(({ text }) => text);
    const fresh = await this.places.newTo(accountId, place, texts);
    return systems.filter(({ text }) => fresh.includes(text));
  }

  /** An empty state is kept only where it takes the place of another one. */
  private async worthKeeping(
    accountId: string,
    place: ClientPlace | null,
    kept: readonly DataPart[],
  ): Promise<readonly DataPart[]> {
    const isNone = ({ name, value }: DataPart) => name === KEPT.state && isEmpty(value);
    if (!kept.some(isNone)) return kept;
    const before = place && (await this.paths.pair(accountId, place.chatId, place.responseId));
    const hadNone = !before || isEmpty(stateOf([before]) ?? {});
    return hadNone ? kept.filter((part) => !isNone(part)) : kept;
  }

  private async partsOf(accountId: string, unit: Unit): Promise<QuestionPart[]> {
    const { results, pieces, path } = unit;
    const parts: QuestionPart[] = [...results];
    for (const piece of pieces)
      parts.push(
        piece.type === 'sent_file'
          ? await this.files.part(accountId, piece.file, piece.path)
          : piece,
      );
    const fault = partsFault('question', parts, QUESTION_BYTES_MAX);
    if (fault)
      throw invalidField(`${path}.content`, `${fault.path.slice(1)} ${fault.message}`.trim());
    return parts;
  }
}

/** Questions as a post: all but the last one have no answer. */
function saidIn(
  units: readonly PreparedUnit[],
  instructions: readonly QuestionPart[],
  kept: readonly QuestionPart[],
): Pick<ClientPost, 'earlier' | 'said'> {
  const last = units.length - 1;
  const said = units.map(({ parts, metadata, author }, at) => ({
    question_parts: [...(at === 0 ? instructions : []), ...parts, ...(at === last ? kept : [])],
    metadata,
    author,
  }));
  const earlier = said
    .slice(0, last)
    .map((one) => ({ ...one, question: null, response: null, response_parts: null }));
  return { earlier, said: said[last]! };
}

/** What a page has of an answer that is tried again goes. */
const without = (messages: AguiMessage[], responseId: string): AguiMessage[] =>
  messages.filter((one) => one.role === 'user' || pairIdOf(one) !== responseId);

const isEmpty = (state: unknown): boolean => isObject(state) && Object.keys(state).length === 0;
