import { type InfiniteData, type QueryClient, useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { getPage } from '../api/banyan';
import type { Page, Pair } from '../api/types';

type At = { before?: string; after?: string; around?: string };

/** So many pages are held at a time: of a long chat the others are left and read again. */
const PAGES_MAX = 4;

export const pathKey = (chatId: string): string[] => ['path', chatId];

/** The path of a chat as a window of pages; `useLive` keeps it up to date. */
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
  const pages = query.data?.pages;
  const pairs = useMemo(() => unique((pages ?? []).flatMap(({ qa_pairs }) => qa_pairs)), [pages]);
  return { ...query, pairs };
}

/** A page that was read anew may begin where its neighbour ends. */
function unique(pairs: readonly Pair[]): Pair[] {
  return [...new Map(pairs.map((pair) => [pair.seq, pair])).values()];
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
