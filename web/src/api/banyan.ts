import { call, request, stream, type StreamEvent } from './http';
import { keepSession, type Session, setSession } from './session';
import type {
  Branches,
  BranchItem,
  Chat,
  ChatPage,
  Compared,
  FannedOut,
  FileInfo,
  HitPage,
  ImportJob,
  Page,
  Pair,
  PairWithSiblings,
  QuestionPart,
  Share,
  SignedIn,
} from './types';

/** What a person says. */
export interface Said {
  question?: string;
  question_parts?: QuestionPart[];
}

/** Of a request that may be sent again when its answer is lost: what it makes is made once. */
export const newKey = (): string => crypto.randomUUID();
const keyed = (key = newKey()): Record<string, string> => ({ 'idempotency-key': key });
const queryOf = (fields: Record<string, string | number | boolean | undefined>): string => {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  return known.length === 0
    ? ''
    : `?${new URLSearchParams(known.map(([name, value]) => [name, String(value)]))}`;
};

export async function signIn(email: string, password: string): Promise<void> {
  setSession(await call<SignedIn>('POST', '/auth/login', { email, password }));
}

/** Sets another password by a token of the console. */
export const resetPassword = (token: string, newPassword: string): Promise<void> =>
  call<void>('POST', '/auth/password/reset', { token, new_password: newPassword });

/** @param invitation empty where the server wants none */
export async function register(email: string, password: string, invitation: string): Promise<void> {
  const body = { email, password, ...(invitation && { invitation }) };
  setSession(await call<SignedIn>('POST', '/auth/register', body));
}

/**
 * An account of a person who only wants to look: this browser knows its password. The page shows
 * itself when `setSession` is called.
 */
export async function signInAsGuest(): Promise<Session> {
  const email = `guest-${crypto.randomUUID()}@guest.invalid`;
  const password = crypto.randomUUID();
  const made = await call<SignedIn>('POST', '/auth/register', { email, password, name: 'Guest' });
  const session = { ...made, guest: { email, password } };
  keepSession(session);
  return session;
}

export async function signOut(session: Session): Promise<void> {
  setSession(null);
  await call('POST', '/auth/logout', { refresh_token: session.refresh_token }).catch(() => null);
}

export const listModels = async (): Promise<string[]> => {
  const answer = await request('GET', '/v1/models');
  return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
};

export const listChats = (cursor: string | undefined, q: string): Promise<ChatPage> =>
  call('GET', `/chats${queryOf({ limit: 50, cursor, q: q.trim() || undefined })}`);

export const getChat = (chatId: string): Promise<Chat> => call('GET', `/chats/${chatId}`);
export const createChat = (fields: Partial<Chat> = {}): Promise<Chat> =>
  call('POST', '/chats', fields);
export const updateChat = (chatId: string, fields: Partial<Chat>): Promise<Chat> =>
  call('PATCH', `/chats/${chatId}`, fields);
export const deleteChat = (chatId: string): Promise<null> => call('DELETE', `/chats/${chatId}`);
export const restoreChat = (chatId: string): Promise<Chat> =>
  call('POST', `/chats/${chatId}/restore`);

export const getPage = (
  chatId: string,
  at: { before?: string; after?: string; around?: string } = {},
): Promise<Page> =>
  call('GET', `/chats/${chatId}/messages${queryOf({ limit: 50, siblings: true, ...at })}`);

export const getPair = (chatId: string, responseId: string): Promise<PairWithSiblings> =>
  call('GET', `/chats/${chatId}/messages/${responseId}`);

/** Asks, and answers with the pair as soon as it is there: its answer is followed by itself. */
export async function ask(chatId: string, said: Said): Promise<Pair> {
  return begin(`/chats/${chatId}/messages`, said);
}
export const edit = (chatId: string, responseId: string, said: Said): Promise<Pair> =>
  begin(`/chats/${chatId}/messages/${responseId}/edit`, said);
export const regenerate = (chatId: string, responseId: string): Promise<Pair> =>
  begin(`/chats/${chatId}/messages/${responseId}/regenerate`, {});
export const retry = (chatId: string, responseId: string): Promise<Pair> =>
  begin(`/chats/${chatId}/messages/${responseId}/retry`, {});

async function begin(path: string, body: object): Promise<Pair> {
  const options = { body: { ...body, stream: true }, headers: keyed() };
  for await (const { event, data } of stream('POST', path, options)) {
    if (event === 'message.accepted' || 'question' in data) return data as unknown as Pair;
  }
  throw new Error('The server said nothing.');
}

export const stopAnswer = (chatId: string, responseId: string): Promise<unknown> =>
  call('POST', `/chats/${chatId}/messages/${responseId}/stop`);
export const redact = (chatId: string, responseId: string): Promise<null> =>
  call('DELETE', `/chats/${chatId}/messages/${responseId}`);
export const fanOut = (chatId: string, responseId: string, models: string[]): Promise<FannedOut> =>
  call('POST', `/chats/${chatId}/messages/${responseId}/fan-out`, { models });

export const followAnswer = (
  chatId: string,
  responseId: string,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> =>
  stream('GET', `/chats/${chatId}/messages/${responseId}/stream`, { signal });

/** Events of the account behind `since`; only new ones where it is absent. */
export const followAccount = (
  since: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> =>
  stream('GET', `/events${queryOf({ since })}`, { signal, silenceMs: SILENCE_MS });

/** The server says something every 15 s: who hears nothing for this time is cut off. */
const SILENCE_MS = 40_000;

/** All branches of a conversation, page by page. */
export async function getBranches(
  chatId: string,
): Promise<Pick<Branches, 'total'> & { items: BranchItem[] }> {
  const items: BranchItem[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await call<Branches>(
      'GET',
      `/chats/${chatId}/branches${queryOf({ format: 'flat', cursor })}`,
    );
    items.push(...(page.items ?? []));
    if (!page.next_cursor) return { total: page.total, items };
    cursor = page.next_cursor;
  }
}

export const createBranch = (
  chatId: string,
  responseId: string | null,
  name?: string,
): Promise<Chat> =>
  call('POST', `/chats/${chatId}/branches`, { response_id: responseId, name, activate: true });
export const activate = (chatId: string, branchId: string): Promise<unknown> =>
  call('PUT', `/chats/${chatId}/active-branch`, { branch_chat_id: branchId });
export const compare = (chatId: string, other: string): Promise<Compared> =>
  call('GET', `/chats/${chatId}/compare${queryOf({ with: other })}`);
export const merge = (chatId: string, from: string, mode: 'summary' | 'pairs'): Promise<unknown> =>
  call('POST', `/chats/${chatId}/merge`, { from_chat_id: from, mode });

export const search = (q: string): Promise<HitPage> =>
  call('GET', `/search${queryOf({ q, limit: 20 })}`);

export const share = (chatId: string, key: string): Promise<Share> =>
  call('POST', `/chats/${chatId}/share`, {}, { headers: keyed(key) });
export const unshare = (shareId: string): Promise<null> => call('DELETE', `/shares/${shareId}`);

export async function exportChat(chatId: string, format: string): Promise<Blob> {
  return (await request('GET', `/chats/${chatId}/export${queryOf({ format })}`)).blob();
}

export async function importFile(file: File): Promise<ImportJob> {
  const form = new FormData();
  form.append('file', file, file.name);
  return (
    await request('POST', '/imports', { form, headers: keyed() })
  ).json() as Promise<ImportJob>;
}
export const getImport = (id: string): Promise<ImportJob> => call('GET', `/imports/${id}`);

export async function upload(file: File): Promise<FileInfo> {
  const form = new FormData();
  form.append('file', file, file.name);
  return (await request('POST', '/files', { form, headers: keyed() })).json() as Promise<FileInfo>;
}

/** The bytes of a file as an address of this page. Whoever asks revokes it. */
export async function fileUrl(fileId: string): Promise<string> {
  return URL.createObjectURL(await (await request('GET', `/files/${fileId}/content`)).blob());
}
