import { Injectable } from '@nestjs/common';
import { ResourceNotFoundError } from '@modelcontextprotocol/server';
import { isUuid } from '../../common/ids.js';
import { problems, Problem } from '../../common/problems.js';
import type { ChatView } from '../chat/chat.columns.js';
import { ChatService } from '../chat/chat.service.js';
import { PathService } from '../chat/path.service.js';
import { frontMatter, markdownOf } from '../transfer/export-text.js';

const MARKDOWN = 'text/markdown';
/** Of a branch: as many as a page has. */
const PAIRS_MAX = 100;
const LISTED_MAX = 50;
const URI = /^chat:\/\/([^/]+)\/branch\/([^/]+)$/;

export const TEMPLATES = [
  {
    uriTemplate: 'chat://{root_chat_id}/branch/{chat_id}',
    name: 'branch',
    title: 'A branch to be read',
    description: `A branch as Markdown with front matter: its newest ${PAIRS_MAX} question-answer pairs, inherited ones included. get_branch reads those before them.`,
    mimeType: MARKDOWN,
  },
];

/** Branches as documents that people give to their agent. */
@Injectable()
export class BranchResources {
  constructor(
    private readonly chats: ChatService,
    private readonly paths: PathService,
  ) {}

  /** The conversations, newest first, each by its active branch. @throws validation_failed */
  async list(accountId: string, cursor: string | undefined) {
    const { items, nextCursor } = await this.chats.list(accountId, { limit: LISTED_MAX, cursor });
    return {
      resources: items.map(resourceOf),
      ...(nextCursor !== null && { nextCursor }),
    };
  }

  /** @throws ResourceNotFoundError for what nobody has, or somebody else */
  async read(accountId: string, uri: string) {
    const [, rootId = '', chatId = ''] = URI.exec(uri) ?? [];
    if (!isUuid(rootId) || !isUuid(chatId)) throw new ResourceNotFoundError(uri);
    const chat = await this.chats.get(accountId, chatId).catch((error: unknown) => {
      const isUnknown = error instanceof Problem && error.kind === problems.chatNotFound.kind;
      throw isUnknown ? new ResourceNotFoundError(uri) : error;
    });
    if (chat.root_chat_id !== rootId.toLowerCase()) throw new ResourceNotFoundError(uri);
    const { pairs } = await this.paths.page(accountId, chatId, PAIRS_MAX);
    const left = (pairs[0]?.seq ?? 1) - 1;
    const before =
      left > 0 ? `\n*${left} earlier pairs are not here: get_branch reads them.*\n` : '';
    const text = frontMatter(chat) + before + pairs.map(markdownOf).join('');
    return { contents: [{ uri, mimeType: MARKDOWN, text }] };
  }
}

const resourceOf = ({ chat_id: id, active_chat_id: active, name, updated_at: at }: ChatView) => ({
  uri: `chat://${id}/branch/${active ?? id}`,
  name: name ?? 'Untitled',
  mimeType: MARKDOWN,
  annotations: { lastModified: at.toISOString() },
});
