import type { DataSourceOptions } from 'typeorm';
import { Accounts1764000000001 } from '../migrations/1764000000001-accounts.js';
import { Conversations1764000000002 } from '../migrations/1764000000002-conversations.js';
import { Content1764000000003 } from '../migrations/1764000000003-content.js';
import { Facades1764000000010 } from '../migrations/1764000000010-facades.js';
import { Generations1764000000020 } from '../migrations/1764000000020-generations.js';
import { Webhooks1764000000030 } from '../migrations/1764000000030-webhooks.js';
import { Summaries1764000000031 } from '../migrations/1764000000031-summaries.js';
import { SummaryHighlights1764000000032 } from '../migrations/1764000000032-summary-highlights.js';
import { ClientChats1764000000040 } from '../migrations/1764000000040-client-chats.js';
import { ConversationMetadata1764000000050 } from '../migrations/1764000000050-conversation-metadata.js';
import { SessionNumbers1764000000060 } from '../migrations/1764000000060-session-numbers.js';
import { WebhookReady1764000000090 } from '../migrations/1764000000090-webhook-ready.js';
import { MessageTokens1764000000101 } from '../migrations/1764000000101-message-tokens.js';
import { TreePages1764000000104 } from '../migrations/1764000000104-tree-pages.js';
import { ChatMetadata1764000000105 } from '../migrations/1764000000105-chat-metadata.js';
import { SignInAddresses1764000000108 } from '../migrations/1764000000108-sign-in-addresses.js';
import { MessageCalls1764000000110 } from '../migrations/1764000000110-message-calls.js';
import { Imports1764000000131 } from '../migrations/1764000000131-imports.js';
import { Files1764000000113 } from '../migrations/1764000000113-files.js';
import { Redactions1764000000116 } from '../migrations/1764000000116-redactions.js';
import { ValidStatuses1764000000117 } from '../migrations/1764000000117-valid-statuses.js';
import { AnswerParts1764000000120 } from '../migrations/1764000000120-answer-parts.js';
import { SavedTurns1764000000143 } from '../migrations/1764000000143-saved-turns.js';
import { MessageSearch1764000000128 } from '../migrations/1764000000128-message-search.js';
import { AnswerEnds1764000000123 } from '../migrations/1764000000123-answer-ends.js';
import { HistoryPlaces1764000000124 } from '../migrations/1764000000124-history-places.js';
import { Shares1764000000118 } from '../migrations/1764000000118-shares.js';
import { Merges1764000000119 } from '../migrations/1764000000119-merges.js';
import { SummaryQuestions1764000000140 } from '../migrations/1764000000140-summary-questions.js';
import { AccountEvents1764000000146 } from '../migrations/1764000000146-account-events.js';
import { AccountEventAges1764000000160 } from '../migrations/1764000000160-account-event-ages.js';
import { SearchBlocks1764000000161 } from '../migrations/1764000000161-search-blocks.js';
import { SearchUnlogged1764000000162 } from '../migrations/1764000000162-search-unlogged.js';
import { SignInDevices1764000000163 } from '../migrations/1764000000163-sign-in-devices.js';
import { ConsoleTokens1764000000164 } from '../migrations/1764000000164-console-tokens.js';
import { EventTickets1764000000147 } from '../migrations/1764000000147-event-tickets.js';
import { ConversationRoots1764000000149 } from '../migrations/1764000000149-conversation-roots.js';
import { ChosenChatIds1764000000148 } from '../migrations/1764000000148-chosen-chat-ids.js';
import { JournalEntry } from './content/journal.entity.js';
import { ChatContent } from './content/postgres/chat-content.entity.js';
import { IdempotencyKey } from './database/idempotency-key.entity.js';
import { ANSWER_MS, CONNECT_MS, storeDriver } from './database/store-client.js';
import { ChangeEvent } from './events/event.entity.js';
import { ClientChat } from './modules/client-chat/client-chat.entity.js';
import { FileChunk } from './files/postgres/file-chunk.entity.js';
import { Account } from './modules/auth/account.entity.js';
import { EventTicket } from './modules/auth/event-ticket.entity.js';
import { ApiKey } from './modules/auth/api-key.entity.js';
import { RefreshToken } from './modules/auth/refresh-token.entity.js';
import { Invitation } from './modules/auth/invitation.entity.js';
import { PasswordReset } from './modules/auth/password-reset.entity.js';
import { TokenFamily } from './modules/auth/token-family.entity.js';
import { Chat } from './modules/chat/chat.entity.js';
import { Conversation } from './modules/chat/conversation.entity.js';
import { Message } from './modules/chat/message.entity.js';
import {
  Generation,
  GenerationChunk,
  MessageTokens,
  UsageDay,
} from './modules/answer/answer.entity.js';
import {
  FileAccount,
  FileBlob,
  FileLeftover,
  FileRecord,
  FileReference,
} from './modules/file/file.entity.js';
import { ChatNumber, ChatNumberCounter } from './modules/first-message/chat-number.entity.js';
import { HistoryPlace } from './modules/openai/history-place.entity.js';
import { Merge } from './modules/merge/merge.entity.js';
import { ConversationNotes } from './modules/openai/conversation-notes.entity.js';
import {
  AccountEvent,
  AccountPosition,
  FollowedAccount,
} from './modules/realtime/account-events.entity.js';
import { Redaction } from './modules/redaction/redaction.entity.js';
import { MessageSearch, SearchAccount } from './modules/search/message-search.entity.js';
import { SessionNumberCounter } from './modules/session/session-number.entity.js';
import { Share } from './modules/share/share.entity.js';
import { SummaryHighlights } from './modules/summary/summary-highlights.entity.js';
import { SummaryMark } from './modules/summary/summary-mark.entity.js';
import { Import, ImportChunk, ImportPair, ImportSource } from './modules/transfer/import.entity.js';
import { WebhookAccount, WebhookPosition } from './modules/webhook/webhook-account.entity.js';
import { WebhookDelivery } from './modules/webhook/webhook-delivery.entity.js';
import { Webhook } from './modules/webhook/webhook.entity.js';

const ENTITIES = [
  Account,
  TokenFamily,
  RefreshToken,
  ApiKey,
  Invitation,
  PasswordReset,
  EventTicket,
  AccountEvent,
  AccountPosition,
  FollowedAccount,
  Chat,
  Conversation,
  Message,
  JournalEntry,
  ChatContent,
  IdempotencyKey,
  ChangeEvent,
  ChatNumber,
  ChatNumberCounter,
  Generation,
  GenerationChunk,
  UsageDay,
  MessageTokens,
  ConversationNotes,
  HistoryPlace,
  SessionNumberCounter,
  SummaryMark,
  SummaryHighlights,
  WebhookAccount,
  WebhookPosition,
  Webhook,
  WebhookDelivery,
  ClientChat,
  Import,
  ImportChunk,
  ImportSource,
  ImportPair,
  FileAccount,
  FileBlob,
  FileRecord,
  FileReference,
  FileLeftover,
  FileChunk,
  Redaction,
  MessageSearch,
  SearchAccount,
  Share,
  Merge,
];

const MIGRATIONS = [
  Accounts1764000000001,
  Conversations1764000000002,
  Content1764000000003,
  Facades1764000000010,
  Generations1764000000020,
  Webhooks1764000000030,
  Summaries1764000000031,
  SummaryHighlights1764000000032,
  ClientChats1764000000040,
  ConversationMetadata1764000000050,
  SessionNumbers1764000000060,
  WebhookReady1764000000090,
  MessageTokens1764000000101,
  TreePages1764000000104,
  ChatMetadata1764000000105,
  SignInAddresses1764000000108,
  MessageCalls1764000000110,
  Files1764000000113,
  Redactions1764000000116,
  ValidStatuses1764000000117,
  Shares1764000000118,
  Merges1764000000119,
  AnswerParts1764000000120,
  AnswerEnds1764000000123,
  HistoryPlaces1764000000124,
  SavedTurns1764000000143,
  MessageSearch1764000000128,
  Imports1764000000131,
  SummaryQuestions1764000000140,
  AccountEvents1764000000146,
  EventTickets1764000000147,
  ChosenChatIds1764000000148,
  ConversationRoots1764000000149,
  AccountEventAges1764000000160,
  SearchBlocks1764000000161,
  SearchUnlogged1764000000162,
  SignInDevices1764000000163,
  ConsoleTokens1764000000164,
];

/**
 * Everything about PostgreSQL that TypeORM must know. Entities and migrations are listed by hand:
 * in ESM a glob may load them twice.
 */
export const dataSourceOptions = (url: string): DataSourceOptions => ({
  type: 'postgres',
  url,
  driver: storeDriver,
  entities: ENTITIES,
  migrations: MIGRATIONS,
  uuidExtension: 'pgcrypto',
  installExtensions: false,
});

/**
 * The pool of a running server: every wait has an end, so that a database that is away is told as
 * 503 within 3 s.
 */
export const serverOptions = (url: string, poolSize: number): DataSourceOptions =>
  ({
    ...dataSourceOptions(url),
    poolSize,
    extra: {
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: 2500,
      query_timeout: ANSWER_MS,
      lock_timeout: 2000,
      idle_in_transaction_session_timeout: 10_000,
      keepAlive: true,
      // Every statement here is a look-up by keys. Left to itself PostgreSQL plans some of them
      // (those with a small LIMIT) anew for each call, which costs eight times the look-up. And a
      // plan that was made while a table was empty, as far as it knew, would read all of it for
      // each look-up from then on. (Before PostgreSQL 18 a plan that has no other way has a cost
      // for which it would be compiled.)
      options: '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off',
    },
  }) as DataSourceOptions;
