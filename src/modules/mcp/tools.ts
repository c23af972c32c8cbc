import { MESSAGE_TYPES } from '../chat/message.entity.js';
import { MERGE_MODES } from '../merge/merge.entity.js';
import { SCOPES, SORTS } from '../search/search.dto.js';

/** JSON Schema of one argument, as a model reads it. */
interface Argument {
  [keyword: string]: Json;
  description: string;
}
type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** A tool as it is listed. The rules of its arguments are those of the route that does the same. */
export interface Tool {
  name: string;
  title: string;
  description: string;
  inputSchema: {
    type: 'object';
    properties: Record<string, Argument>;
    required: string[];
    additionalProperties: false;
  };
  annotations: { readOnlyHint: boolean; destructiveHint: false; openWorldHint: boolean };
}

const text = (description: string): Argument => ({ type: 'string', description });
const id = (description: string): Argument => ({ type: 'string', format: 'uuid', description });
const flag = (description: string): Argument => ({ type: 'boolean', description });
const oneOf = (values: readonly string[], description: string): Argument => ({
  type: 'string',
  enum: [...values],
  description,
});
const CHAT = id('chat_id of a conversation or of one of its branches');
/** As few as a model reads with profit; the routes give 50 where nothing is said. */
export const LIMIT = 20;
const COUNT: Argument = {
  type: 'integer',
  ...{ minimum: 1, maximum: 100 },
  description: 'How many at most',
};
const LIMIT_ARGUMENT: Argument = { ...COUNT, default: LIMIT };
const CURSOR = text('next_cursor of the page before; all else must be the same');

function tool(
  name: string,
  title: string,
  description: string,
  required: Record<string, Argument>,
  optional: Record<string, Argument> = {},
): Tool {
  return {
    name,
    title,
    description,
    inputSchema: {
      type: 'object',
      properties: { ...required, ...optional },
      required: Object.keys(required),
      additionalProperties: false,
    },
    annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: false },
  };
}

/** One that adds: what is there is never rewritten. */
const writing = (made: Tool, asksModel = false): Tool => ({
  ...made,
  annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: asksModel },
});

const READING = [
  tool(
    'search_chats',
    'Search chats',
    'Finds question-answer pairs by what was said, in all conversations or in one. Each hit names its chat_id and response_id.',
    { q: text('Words, "phrases in quotes", begin*, -not, this OR that') },
    {
      chat_id: id('Only what this branch sees'),
      scope: oneOf(SCOPES, 'With chat_id: what that branch sees, or its whole conversation'),
      type: oneOf(MESSAGE_TYPES, 'Only pairs of this message_type'),
      side: oneOf(['question', 'response'], 'Only what was said on this side'),
      from: text('Only pairs made then or later: ISO 8601, or a day'),
      to: text('Only pairs made then or before: ISO 8601, or a day'),
      sort: oneOf(SORTS, 'The best first (default), or the newest'),
      limit: LIMIT_ARGUMENT,
      cursor: CURSOR,
    },
  ),
  tool(
    'list_chats',
    'List chats',
    'The conversations of the account, newest first, each with the chat_id of its active branch.',
    {},
    {
      q: text('Part of the name'),
      archived: flag('Only archived ones, or only others'),
      pinned: flag('Only pinned ones, or only others'),
      limit: LIMIT_ARGUMENT,
      cursor: CURSOR,
    },
  ),
  tool(
    'get_branch',
    'Read a branch',
    'A branch and a page of its question-answer pairs in order, inherited ones included; the newest page when nothing is said.',
    { chat_id: CHAT },
    {
      before: text('prev_cursor of a page: the page before it'),
      after: text('next_cursor of a page: the page after it'),
      around: id('response_id: the page with this pair in its middle'),
      limit: LIMIT_ARGUMENT,
    },
  ),
  tool(
    'get_tree',
    'See the branches',
    'All branches of a conversation, each with the pair from which it was made.',
    { chat_id: CHAT },
    {
      depth: { type: 'integer', minimum: 0, description: 'So many forks below the root' },
      format: oneOf(['tree', 'flat'], 'Nested, or a list; tree when nothing is said'),
      limit: COUNT,
      cursor: CURSOR,
    },
  ),
  tool(
    'compare_branches',
    'Compare two branches',
    'The last pair that two branches of a conversation share, and what each said after it.',
    { chat_id: CHAT, with: id('chat_id of the other branch') },
  ),
];

const WRITING = [
  writing(
    tool(
      'append_message',
      'Add to a branch',
      'Adds a pair at the end of a branch. Without a response the configured model answers; with null the question waits.',
      { chat_id: CHAT, question: text('What is asked or said; Markdown') },
      {
        response: { type: ['string', 'null'], description: 'What was answered, if it is known' },
        author: text('Who says it'),
        parent_response_id: id('The pair that must be the last one, so that nobody came between'),
        on_conflict: oneOf(['fail', 'fork'], 'If it is not: fail (default), or make a branch'),
      },
    ),
    true,
  ),
  writing(
    tool(
      'create_branch',
      'Branch from a pair',
      'Makes a branch that sees this pair and all before it, and nothing behind. Nothing is copied.',
      {
        chat_id: CHAT,
        response_id: { ...id('The pair; null: before the first'), type: ['string', 'null'] },
      },
      { name: text('A name for the branch'), activate: flag('Whether the person is in it now') },
    ),
  ),
  writing(
    tool(
      'merge_branch',
      'Bring a branch back',
      'Brings what another branch of the conversation found to the end of this one: summed up in one pair, or the pairs themselves.',
      {
        chat_id: CHAT,
        from_chat_id: id('The branch that found it'),
        mode: oneOf(MERGE_MODES, 'One pair that sums up, or the pairs'),
      },
      {
        response_ids: {
          type: 'array',
          ...{ minItems: 1, maxItems: 100, items: { type: 'string', format: 'uuid' } },
          description: 'Which of its pairs; all that this branch does not see, when absent',
        },
        text: text('For the mode summary: the summary; the model makes it when absent'),
      },
    ),
    true,
  ),
];

/** In the order in which they are listed, always. */
export const TOOLS: readonly Tool[] = [...READING, ...WRITING];
