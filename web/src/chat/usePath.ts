import {
  type InfiniteData,
  type QueryClient,
  useInfiniteQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useEffect } from 'react';
import { followChat, getPage } from '../api/banyan';
import { Problem } from '../api/http';
import type { Page, Pair } from '../api/types';

type At = { before?: string; after?: string; around?: string };

/** So many pages are held at a time: of a long chat the others are left and read again. */
const PAGES_MAX = 4;
const RECONNECT_MS = 2_000;

export const pathKey = (chatId: string): string[] => ['path', chatId];

/** The path of a chat as a window of pages, kept up to date by the events of its conversation. */
export function usePath(chatId: string, around: string | undefined) {
  const query = useInfiniteQuery({
    queryKey: [...pathKey(chatId), around ?? 'newest'],
    queryFn: ({ pageParam }) => getPage(chatId, pageParam),
    initialPageParam: (around ? { around } : {}) as At,
    getPreviousPageParam: ({ prev_cursor }: Page): At | undefined =>
      prev_cursor === null ? undefined : { before: prev_cursor },
    getNextPageParam: ({ next_cursor }: Page): At | undefined =>
      next_cursor === null ? undefined : { after: next_cursor },
    maxPages: PAGES_MAX,
  });
  useConversation(chatId);
  const pairs = query.data?.pages.flatMap(({ qa_pairs }) => qa_pairs) ?? [];
  return { ...query, pairs: unique(pairs) };
}

/** A page that was read anew may begin where its neighbour ends. */
function unique(pairs: readonly Pair[]): Pair[] {
  return [...new Map(pairs.map((pair) => [pair.seq, pair])).values()];
}

/** Reads what an event of the conversation has changed; begins anew where it left off. */
function useConversation(chatId: string): void {
  const client = useQueryClient();
  useEffect(() => {
    const abort = new AbortController();
    void follow(client, chatId, abort.signal);
    return () => abort.abort();
  }, [client, chatId]);
}

async function follow(client: QueryClient, chatId: string, signal: AbortSignal): Promise<void> {
  const seen: { since?: number } = {};
  while (!signal.aborted) {
    try {
      await hear(client, chatId, seen, signal);
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return;
    }
    if (signal.aborted) return;
    await new Promise((wake) => setTimeout(wake, RECONNECT_MS));
    // What was missed while nobody listened and no number was known.
    if (seen.since === undefined) changed(client);
  }
}

async function hear(
  client: QueryClient,
  chatId: string,
  seen: { since?: number },
  signal: AbortSignal,
): Promise<void> {
  for await (const { event, id } of followChat(chatId, seen.since, signal)) {
    if (id !== undefined) seen.since = Number(id);
    if (!PIECES.has(event)) changed(client);
  }
}

/** They change nothing that is read here: whoever shows an answer follows it. */
const PIECES = new Set(['message.delta', 'message.part', 'ready', 'subscribed']);

function changed(client: QueryClient): void {
  for (const queryKey of [['path'], ['tree'], ['pair'], ['chat'], ['chats'], ['compared']]) {
    void client.invalidateQueries({ queryKey });
  }
}

/** Shows a pair that was just posted, before it is read. */
export function showPosted(client: QueryClient, chatId: string, pair: Pair): void {
  client.setQueryData<InfiniteData<Page, At>>([...pathKey(chatId), 'newest'], (data) => {
    if (!data || data.pages.some(({ qa_pairs }) => qa_pairs.some((one) => one.seq === pair.seq))) {
      return data;
    }
    const last = data.pages.at(-1)!;
    if (last.next_cursor !== null) return data;
    const pages = [...data.pages.slice(0, -1), { ...last, qa_pairs: [...last.qa_pairs, pair] }];
    return { ...data, pages };
  });
}
