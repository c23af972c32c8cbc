import { Injectable } from '@nestjs/common';
import { invalidField, problems } from '../../common/problems.js';
import type { CreateResponseDto } from './create-response.dto.js';
import { HistoryPlaces } from './history-places.service.js';
import {
  type Input,
  type InputItem,
  isReference,
  itemsOf,
  type ReferenceItem,
} from './input-items.js';
import { itemIn } from './openai-ids.js';
import { pairItems } from './part-items.js';
import { PartFiles } from './part-files.service.js';
import { ResponseReader } from './response.reader.js';
import { ResponseTargets, type Target } from './response-targets.service.js';
import { assertFit, assertResults, type Turn, turnsOf } from './turns.js';

/** Items that one request may name without saying what they are. */
const REFERENCES_MAX = 100;

/** What is to be stored, and where. */
export interface PlacedInput {
  /** Null: a new chat. */
  target: Target | null;
  /** What is new; the last one is asked now. */
  turns: readonly Turn[];
  /** Whether the client said nothing of its place: it was found. */
  isFound: boolean;
  /** All that was sent, where that told the place. */
  history: readonly Turn[] | null;
}

type Sent = readonly (InputItem | ReferenceItem)[];

/** What the inputs of requests are: turns, with what they name in the place of its name. */
@Injectable()
export class ResponseInputs {
  constructor(
    private readonly reader: ResponseReader,
    private readonly places: HistoryPlaces,
    private readonly targets: ResponseTargets,
    private readonly files: PartFiles,
  ) {}

  /**
   * An input that goes on where the request says, or where its history was before.
   * @param before what was said before, where that is kept nowhere
   * @throws 422; chat_not_found, previous_response_not_found, message_not_found
   */
  async place(
    accountId: string,
    body: CreateResponseDto,
    before: readonly Turn[] = [],
  ): Promise<PlacedInput> {
    const items = itemsOf(body.input);
    const target = await this.targets.of(accountId, body);
    if (target) return this.behind(accountId, items, target);
    const known = await this.places.byIds(accountId, turnsOf(items.map(placeholder)));
    if (known) {
      const found = await this.targets.behind(accountId, known);
      return { ...(await this.behind(accountId, items, found)), isFound: true };
    }
    const history = [...before, ...(await this.asked(accountId, body.input))];
    const place = await this.places.bySaid(accountId, history);
    if (!place) {
      assertResults(history);
      return { target: null, turns: history, history, isFound: true };
    }
    const there = await this.targets.behind(accountId, place.responseId);
    return { target: there, turns: place.turns, history, isFound: true };
  }

  /** Where the request says that it goes on; null where it says nothing. @throws like `place` */
  targetOf(accountId: string, body: Parameters<ResponseTargets['of']>[1]): Promise<Target | null> {
    return this.targets.of(accountId, body);
  }

  /** Keeps by which history a question was asked, where its place was found. */
  async note(
    accountId: string,
    responseId: string,
    { isFound, history }: PlacedInput,
  ): Promise<void> {
    if (isFound) await this.places.note(accountId, responseId, history);
  }

  /**
   * The same turns, with the bytes in them kept as files. @throws 422 for what is too long; what
   * `PartFiles.keep` throws
   */
  async kept(accountId: string, turns: readonly Turn[], field = 'input'): Promise<Turn[]> {
    const made = await this.files.keep(accountId, turns, field);
    assertFit(made, field);
    return made;
  }

  private async behind(accountId: string, items: Sent, target: Target): Promise<PlacedInput> {
    const turns = await this.turnsBehind(accountId, items, target.parent);
    return { target, turns: asked(turns), history: null, isFound: false };
  }

  /** An input that is all there is. @throws 422; message_not_found for an item of nobody */
  async asked(accountId: string, input: Input): Promise<Turn[]> {
    return asked(await this.turns(accountId, input));
  }

  /** The same, where nothing of it is asked. */
  async turns(accountId: string, input: Input): Promise<Turn[]> {
    return turnsOf(await this.resolved(accountId, itemsOf(input)));
  }

  /** Of the items up to the pair that it goes on behind only the names are needed. */
  private async turnsBehind(
    accountId: string,
    items: Sent,
    parent: string | undefined,
  ): Promise<readonly Turn[]> {
    if (parent === undefined) return this.turns(accountId, items);
    const last = items.findLastIndex(({ id }) => itemIn(id)?.responseId === parent);
    const turns = turnsOf([
      ...items.slice(0, last + 1).map(placeholder),
      ...(await this.resolved(accountId, items.slice(last + 1))),
    ]);
    return turns.slice(turns.findLastIndex(({ known }) => known === parent) + 1);
  }

  private async resolved(accountId: string, items: Sent): Promise<InputItem[]> {
    if (items.filter(isReference).length > REFERENCES_MAX)
      throw invalidField('input', `can name at most ${REFERENCES_MAX} items that are kept`);
    const pairs = new Map<string, InputItem[]>();
    const found: InputItem[] = [];
    for (const item of items) found.push(await this.one(accountId, item, pairs));
    return found;
  }

  private async one(
    accountId: string,
    item: InputItem | ReferenceItem,
    pairs: Map<string, InputItem[]>,
  ): Promise<InputItem> {
    if (!isReference(item)) return item;
    const ref = itemIn(item.id);
    if (!ref) throw nobodys(item);
    const { responseId } = ref;
    const known = pairs.get(responseId) ?? (await this.itemsOfPair(accountId, responseId, item));
    pairs.set(responseId, known);
    const named = known.find(({ id }) => id === item.id);
    if (!named) throw nobodys(item);
    return named;
  }

  private async itemsOfPair(
    accountId: string,
    responseId: string,
    item: ReferenceItem,
  ): Promise<InputItem[]> {
    const found = await this.reader.known(accountId, responseId);
    if (!found) throw nobodys(item);
    return pairItems(found.pair) as InputItem[];
  }
}

/** Stands for an item whose words are not needed, or not known yet. */
function placeholder(item: InputItem | ReferenceItem): InputItem {
  if (!isReference(item)) return item;
  const kind = itemIn(item.id)?.kind;
  const role = kind === 'question' ? 'user' : kind === 'instruction' ? 'system' : 'assistant';
  return { role, id: item.id, content: [] };
}

function asked<Turns extends readonly Turn[]>(turns: Turns): Turns {
  const last = turns.at(-1);
  if (!last || last.response.length > 0)
    throw invalidField(
      'input',
      'must end with a message of the user, or with what a tool gave: that is what is answered',
    );
  return turns;
}

const nobodys = ({ id }: ReferenceItem): Error =>
  problems.messageNotFound({
    detail: `There is no item with the id ${id.slice(0, 100)}.`,
    errors: [{ path: 'input', message: 'names an item that is not there' }],
  });
