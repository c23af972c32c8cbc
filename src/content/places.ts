import { WORDS_NAMES } from './pair.columns.js';

/**
 * Where the words of pairs are: the one list of all places, which redaction, the purge, fsck and
 * the erasure of an account walk. A column that can hold words and is named neither here nor in
 * `WITHOUT_WORDS` fails a test (`test/e2e/redaction`), so a new table cannot be forgotten.
 *
 * In all texts `t` is a row of the place, `p` a row of `messages`: the pair whose words go.
 */
export interface WordsPlace {
  readonly table: string;
  /** What of it may hold words, and what is counted of words. */
  readonly columns: readonly string[];
  /** Whether the row has something of the pair. */
  readonly of: string;
  /** What a redaction does to such rows, up to the pairs that it joins. */
  readonly blank: string;
  /** Whether nothing is left in a row that has something of the pair. */
  readonly isBlank: string;
  /**
   * How the purge takes it, in one statement with `chat` (the chat that is cut, above its `top`)
   * and `cut` (the ids of its pairs).
   */
  readonly cut: string;
}

/** The words of a redacted pair: all such pairs have the same body. */
export const REDACTED_BODY = '{"question":null,"response":null,"metadata":null}';

/**
 * Whether a stored answer may still name the chat $2. None is younger than the deletion, and all
 * are forgotten after a day (`expiry.jobs.ts`): so after the usual 30 days nobody has to look
 * through them. As a subquery it is asked once, before the answers are.
 */
export const MAY_BE_ANSWERED = `(SELECT deleted_at > now() - interval '25 h' FROM chats WHERE account_id = $1 AND chat_id = $2::uuid)`;

const SAME_PAIR = 't.chat_id = p.chat_id AND t.seq = p.seq';

const IS_NAMED_ROOT = `EXISTS (
  SELECT FROM chats n WHERE n.account_id = p.account_id AND n.chat_id = p.root_chat_id AND n.named_by = p.response_id)`;

/** The answer names the pair other than as the place of a branch; or it has a name made of it. */
const ANSWERED = `t.created_at >= p.created_at - interval '1 day' AND (
  position(p.response_id::text IN replace(t.answer, '"fork_response_id":"' || p.response_id || '"', '')) > 0
  OR (t.answer LIKE '{"chat_id":"' || p.root_chat_id || '"%' AND ${IS_NAMED_ROOT}))`;

/** Of what goes with its chat or its pair, the purge has nothing to say: a part without rows. */
const WITH_ITS_CHAT = 'SELECT';

/**
 * Beside the stores of words, in the order in which they are walked: rows are locked in one order
 * (docs/decisions/0017-lock-order.md), and what says that a chat is called by the pair goes last.
 */
export const PLACES: readonly WordsPlace[] = [
  {
    table: 'generation_chunks',
    columns: ['text', 'parts'],
    of: `t.generation_id IN (SELECT g.generation_id FROM generations g WHERE g.account_id = p.account_id AND g.response_id = p.response_id)`,
    blank: `DELETE FROM generation_chunks t USING`,
    isBlank: 'false',
    cut: `DELETE FROM generations g USING cut WHERE g.account_id = $1 AND g.response_id = cut.response_id`,
  },
  {
    table: 'message_tokens',
    columns: ['tokens'],
    of: `t.chat_id = p.chat_id AND t.seq = p.seq AND t.version < p.version`,
    blank: `DELETE FROM message_tokens t USING`,
    isBlank: 'false',
    cut: `DELETE FROM message_tokens k USING chat WHERE k.account_id = chat.account_id AND k.chat_id = chat.chat_id AND k.seq > chat.top`,
  },
  {
    // It hangs at the row of its pair, and is purged with it.
    table: 'message_search',
    columns: ['words'],
    of: `t.response_id = p.response_id`,
    blank: `DELETE FROM message_search t USING`,
    isBlank: 'false',
    cut: WITH_ITS_CHAT,
  },
  {
    table: 'summary_highlights',
    columns: ['highlights'],
    of: `t.chat_id IN (SELECT c.chat_id FROM chats c WHERE c.account_id = p.account_id AND c.root_chat_id = p.root_chat_id)
      AND t.highlights @> jsonb_build_array(jsonb_build_object('response_id', p.response_id))`,
    blank: `DELETE FROM summary_highlights t USING`,
    isBlank: 'false',
    cut: `DELETE FROM summary_highlights h USING chat WHERE h.account_id = chat.account_id AND h.chat_id = chat.chat_id`,
  },
  {
    // A hash of words, by which they could be guessed.
    table: 'history_places',
    columns: ['hash'],
    of: `t.response_id = p.response_id`,
    blank: `DELETE FROM history_places t USING`,
    isBlank: 'false',
    cut: `DELETE FROM history_places h USING cut WHERE h.account_id = $1 AND h.response_id = cut.response_id`,
  },
  {
    table: 'idempotency_keys',
    columns: ['answer'],
    of: ANSWERED,
    blank: `UPDATE idempotency_keys t SET answer = '' FROM`,
    isBlank: `t.answer LIKE '{"response_id":"' || p.response_id || '"%' AND position('"status":"redacted"' IN t.answer) > 0`,
    cut: `
    DELETE FROM idempotency_keys k USING cut
    WHERE ${MAY_BE_ANSWERED} AND k.account_id = $1
      AND substring(left(k.answer, 80) FROM '^\\{(?:"(?:qa_pairs|items)":\\[\\{)?"response_id":"([0-9a-f-]{36})"') = cut.response_id::text`,
  },
  {
    table: 'conversations',
    columns: ['name'],
    of: `t.chat_id = p.root_chat_id AND ${IS_NAMED_ROOT}`,
    blank: `UPDATE conversations t SET name = NULL FROM`,
    isBlank: 'false',
    cut: WITH_ITS_CHAT,
  },
  {
    table: 'chats',
    columns: ['name'],
    of: `t.root_chat_id = p.root_chat_id AND t.named_by = p.response_id`,
    blank: `UPDATE chats t SET name = NULL, named_by = NULL FROM`,
    isBlank: 'false',
    cut: WITH_ITS_CHAT,
  },
];

/**
 * What is counted of words, and counted again: a complete pair is not looked at again by who goes
 * on from a mark.
 */
export const COUNTS: readonly WordsPlace[] = [
  {
    table: 'summary_marks',
    columns: ['words'],
    of: `t.seq >= p.seq AND t.chat_id IN (SELECT c.chat_id FROM chats c WHERE c.account_id = p.account_id AND c.root_chat_id = p.root_chat_id)`,
    blank: `DELETE FROM summary_marks t USING`,
    isBlank: 'false',
    cut: `DELETE FROM summary_marks k USING chat WHERE k.account_id = chat.account_id AND k.chat_id = chat.chat_id AND k.seq > chat.top`,
  },
];

/**
 * Places that a redaction writes by itself, since they hold the pair: what they must be afterwards.
 * MongoDB follows by the journal, and is held to the hash in `messages` (fsck, I3).
 */
export const PAIR_PLACES: readonly Omit<WordsPlace, 'blank' | 'cut'>[] = [
  {
    table: 'messages',
    columns: [...WORDS_NAMES, 'call_ids', 'sha256'],
    of: SAME_PAIR,
    isBlank: `${WORDS_NAMES.map((name) => `t.${name} IS NULL`).join(' AND ')} AND t.call_ids IS NULL AND t.sha256 = sha256(convert_to('${REDACTED_BODY}', 'UTF8'))`,
  },
  {
    table: 'chat_contents',
    columns: ['body'],
    of: SAME_PAIR,
    isBlank: `t.body = '${REDACTED_BODY}'`,
  },
  {
    table: 'content_journal',
    columns: ['body'],
    of: SAME_PAIR,
    isBlank: `coalesce(t.body, '${REDACTED_BODY}') = '${REDACTED_BODY}'`,
  },
];

/**
 * Files that a pair names: they go with the pair when no other one names them, by the references
 * that `modules/file` keeps; the bytes also out of GridFS and S3.
 */
export const FILE_PLACES: readonly Pick<WordsPlace, 'table' | 'columns'>[] = [
  { table: 'files', columns: ['name'] },
  { table: 'file_blobs', columns: ['sha256', 'media_type'] },
  { table: 'file_chunks', columns: ['data'] },
];

const OF_ACCOUNT = 'of the account or its sign-ins, never of a pair';
const OF_CHAT = 'said of the chat by its owner, and goes with the chat';
const BY_US = 'one of our own words';
const ID = 'an id or a hash';
const WEBHOOK = 'said of a webhook by its owner, or by its receiver';

const UPLOADED = 'a file on its way in: before its pairs are, and gone when it has been read';

/** Columns that can hold text and have no words of pairs, and why. */
export const WITHOUT_WORDS: Readonly<Record<string, string>> = {
  'account_events.type': BY_US,
  'accounts.email': OF_ACCOUNT,
  'accounts.name': OF_ACCOUNT,
  'accounts.password_hash': OF_ACCOUNT,
  'api_keys.key_hash': OF_ACCOUNT,
  'api_keys.name': OF_ACCOUNT,
  'refresh_tokens.token_hash': OF_ACCOUNT,
  'invitations.token_hash': ID,
  'password_resets.token_hash': ID,
  'token_families.address_tag': OF_ACCOUNT,
  'token_families.user_agent': OF_ACCOUNT,
  'chats.chat_type': BY_US,
  'chats.metadata': OF_CHAT,
  'chats.metadata_terms': OF_CHAT,
  'chats.model': OF_CHAT,
  'chats.system_prompt': OF_CHAT,
  'conversation_notes.metadata': OF_CHAT,
  'conversations.made_of': ID,
  'client_chats.client_chat_id': ID,
  'event_tickets.principal': OF_ACCOUNT,
  'event_tickets.ticket_hash': ID,
  'events.type': BY_US,
  'file_blobs.store': BY_US,
  'file_leftovers.store': BY_US,
  'files.purpose': BY_US,
  'files.sha256': ID,
  'generations.key': 'the key of a request',
  'generations.model': 'the name of a model',
  'generations.scope': BY_US,
  'generations.status': BY_US,
  'idempotency_keys.fingerprint': 'a hash of the request, for a day',
  'idempotency_keys.key': 'the key of a request',
  'idempotency_keys.scope': BY_US,
  'import_chunks.bytes': UPLOADED,
  'import_pairs.pair_key': ID,
  'import_pairs.source': BY_US,
  'import_pairs.source_key': ID,
  'import_sources.digest': ID,
  'import_sources.source': BY_US,
  'import_sources.source_key': ID,
  'imports.error': BY_US,
  'imports.name': 'the name of a file, said by its owner',
  'imports.report': 'numbers, and names of conversations that were refused',
  'imports.source': BY_US,
  'imports.status': BY_US,
  'messages.message_type': BY_US,
  'messages.model': 'the name of a model; stays',
  'messages.status': BY_US,
  'messages.usage': 'numbers of tokens; stay',
  'merges.mode': BY_US,
  'message_search.message_type': BY_US,
  'migrations.name': BY_US,
  'shares.token_hash': ID,
  'summary_highlights.generated_by': 'the name of a model',
  'webhook_deliveries.last_error': WEBHOOK,
  'webhook_deliveries.payload': 'ids and numbers (`webhook-events.ts`)',
  'webhook_deliveries.status': BY_US,
  'webhook_deliveries.type': BY_US,
  'webhooks.description': WEBHOOK,
  'webhooks.disabled_reason': BY_US,
  'webhooks.events': BY_US,
  'webhooks.old_secret': WEBHOOK,
  'webhooks.secret': WEBHOOK,
  'webhooks.url': WEBHOOK,
};

/** What MongoDB has, by collection: with words, by version; or why there are none. */
export const COLLECTIONS: Readonly<Record<string, string>> = {
  chat_contents: 'words: the journal writes the redacted version over them',
  chat_parts: 'what is too long for chat_contents: goes with the version before',
  write_tries: 'says when a write was tried, and which names documents have',
};

const pairs = (which = ''): string =>
  `(SELECT * FROM messages WHERE account_id = $1 AND response_id = ANY ($2::uuid[])${which}) p`;
const OF_PAIRS = pairs(` AND status = 'redacted'`);

/** Takes the words of redacted pairs $2 of the account $1 out of a place. Any number of times. */
export const blanking = ({ blank, of, isBlank }: WordsPlace, from = OF_PAIRS): string =>
  `${blank} ${from} WHERE t.account_id = $1 AND ${of} AND NOT (${isBlank})`;

/** Where the words of an answer may be: in no name of a chat, which only a question gives. */
export const ANSWER_PLACES: readonly WordsPlace[] = PLACES.filter(
  ({ table }) => table !== 'conversations',
).filter(({ table }) => table !== 'chats');

/** The same of pairs that go on with fewer words ($2). */
export const erasing = (place: WordsPlace): string => blanking(place, pairs());

/** Whether a place still has words of the redacted pair `p`; for fsck. */
export const leftIn = ({ table, of, isBlank }: Omit<WordsPlace, 'blank' | 'cut'>): string =>
  `EXISTS (SELECT FROM ${table} t WHERE t.account_id = p.account_id AND ${of} AND NOT (${isBlank}))`;
