import { Injectable } from '@nestjs/common';
import { chatState, StatedJson } from '../../cache/validated.js';
import { encodeCursor } from '../../common/cursor.js';
import { problems } from '../../common/problems.js';
import { chatJson } from './chat.columns.js';
import { ChatService } from './chat.service.js';
import { pairsJson } from './pair.js';
import { PathService } from './path.service.js';

const CONTENT_PAGE = 50;
const ATTEMPTS_MAX = 5;

/** A chat as people open it: its fields and the newest page of its path. */
@Injectable()
export class ChatReader {
  constructor(
    private readonly chats: ChatService,
    private readonly paths: PathService,
  ) {}

  /** A `ChatWithContentDto`. @throws chat_not_found, content_unavailable */
  async read(accountId: string, chatId: string): Promise<StatedJson> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const [chat, page] = await Promise.all([
        this.chats.get(accountId, chatId),
        this.paths.page(accountId, chatId, CONTENT_PAGE),
      ]);
      // Two statements saw two moments when somebody wrote in between; one of a later round sees
      // one.
      if (chat.revision !== page.revision) continue;
      const first = page.pairs[0];
      const prev =
        first && first.seq > 1 ? `,"prev_cursor":"${encodeCursor(chatId, first.seq)}"` : '';
      const content = `{"chat_id":"${chatId}","qa_pairs":${pairsJson(page.pairs)}${prev}}`;
      return new StatedJson(
        `${chatJson(chat).slice(0, -1)},"content":${content}}`,
        chatState(chat.revision),
      );
    }
    throw problems.storeUnavailable({
      detail: 'The chat changes faster than it can be read.',
      headers: { 'retry-after': '1' },
    });
  }
}
