import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { ChatService } from '../chat/chat.service.js';
import { PathService } from '../chat/path.service.js';
import { partsOfPair } from './pair-parts.js';

const PAGE_PAIRS = 100;

/** The chat that owns a pair of a conversation. */
const OWNER: Statement = {
  name: 'client_chat.owner',
  text: 'SELECT chat_id, seq FROM messages WHERE account_id = $1 AND root_chat_id = $2 AND response_id = $3',
};

interface Owner {
  [column: string]: unknown;
  chat_id: string;
  seq: number;
}

/** A pair, and the chat in which one goes on from it. */
export interface ClientPlace {
  chatId: string;
  responseId: string;
  seq: number;
}

/** Where pairs stand that clients name: they know no branches, only the ids of messages. */
@Injectable()
export class ClientPlaces {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
    private readonly paths: PathService,
  ) {}

  /**
   * A pair, and the chat to go on from it: the active branch, if the pair is on its path, else the
   * chat that owns it. @throws message_not_found
   */
  async placeOf(accountId: string, rootChatId: string, responseId: string): Promise<ClientPlace> {
    const values = [accountId, rootChatId, responseId];
    const [owner] = await this.database.query<Owner>(OWNER, values);
    if (!owner) throw problems.messageNotFound();
    const { chat_id: ownerId, seq } = owner;
    const activeId = await this.chats.activeOf(accountId, rootChatId);
    if (ownerId === activeId) return { chatId: activeId, responseId, seq };
    const { pairs } = await this.paths.page(accountId, activeId, 1, { after: seq - 1 });
    const isOn = pairs[0]?.responseId === responseId;
    return { chatId: isOn ? activeId : ownerId, responseId, seq };
  }

  /**
   * The pair behind another one (null: the first pair) on the path of the active branch; null when
   * there is none.
   */
  async behind(
    accountId: string,
    rootChatId: string,
    parent: ClientPlace | null,
  ): Promise<ClientPlace | null> {
    const chatId = await this.chats.activeOf(accountId, rootChatId);
    const { pairs } = await this.paths.page(accountId, chatId, 1, { after: parent?.seq ?? 0 });
    const [pair] = pairs;
    return pair ? { chatId, responseId: pair.responseId, seq: pair.seq } : null;
  }

  /**
   * What systems say that was not said on a path until now: clients send all of it each time.
   * Looked for where it is said, in the first pair and in the newest ones.
   */
  async newTo(
    accountId: string,
    place: ClientPlace | null,
    systems: readonly string[],
  ): Promise<string[]> {
    if (systems.length === 0 || place === null) return [...systems];
    const { chatId, seq } = place;
    const newest = await this.paths.page(accountId, chatId, PAGE_PAIRS, { before: seq + 1 });
    const first = await this.paths.page(accountId, chatId, 1, { after: 0 });
    const said = [...first.pairs, ...newest.pairs].flatMap((pair) =>
      partsOfPair(pair).asked.instructions.map(({ text }) => text),
    );
    return systems.filter((text) => !said.includes(text));
  }
}
