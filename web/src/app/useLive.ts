import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { followAccount } from '../api/banyan';
import type { StreamEvent } from '../api/http';
import type { Chat } from '../api/types';

const AGAIN_MS = 1_000;
/** Changes that come within this time are read once. */
const GATHER_MS = 150;

let isLost = false;
const listeners = new Set<() => void>();

function setLost(next: boolean): void {
  if (next === isLost) return;
  isLost = next;
  listeners.forEach((tell) => tell());
}

/** Whether the page knows that it misses what happens. */
export const useIsLost = (): boolean =>
  useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => isLost,
  );

/**
 * Keeps all that is shown as it is on the server: one stream for the whole page, as a browser has
 * six connections to a server, and every tab wants some. Begins anew where it left off.
 */
export function useLive(): void {
  const client = useQueryClient();
  useEffect(() => {
    const end = new AbortController();
    const changes = gathered(client);
    void follow(changes.note, end.signal);
    return () => {
      end.abort();
      changes.stop();
      setLost(false);
    };
  }, [client]);
}

async function follow(note: (root: string | null) => void, signal: AbortSignal): Promise<void> {
  let since: number | undefined;
  while (!signal.aborted) {
    const cut = new AbortController();
    const stop = (): void => cut.abort();
    signal.addEventListener('abort', stop);
    // What was open when the network went may stay open for minutes, and say nothing.
    addEventListener('offline', stop);
    try {
      for await (const event of followAccount(since, cut.signal)) {
        setLost(false);
        // What happened between the first reading and this moment has no number that is known, and
        // what was missed may be too old.
        if (event.event === 'subscribed' && (since === undefined || isBehind(event))) note(null);
        else if (event.event !== 'subscribed') note(rootOf(event));
        if (event.id !== undefined) since = Number(event.id);
      }
    } catch {
      if (!signal.aborted) setLost(true);
    }
    removeEventListener('offline', stop);
    signal.removeEventListener('abort', stop);
    if (!signal.aborted) await pause();
  }
}

/** Until it is time to try again, or the network is back. */
function pause(): Promise<void> {
  return new Promise((wake) => {
    const on = (): void => {
      clearTimeout(timer);
      removeEventListener('online', on);
      wake();
    };
    const timer = setTimeout(on, AGAIN_MS);
    addEventListener('online', on);
  });
}

/** The conversation that an event is of; empty for files and imports, which nothing shows. */
/** Events that were missed are too old to be told. */
const isBehind = ({ data }: StreamEvent): boolean => 'kept_from' in (data.data as object);

function rootOf({ data }: StreamEvent): string {
  const about = data.data as { root_chat_id?: string };
  return about.root_chat_id ?? '';
}

/** Reads anew what has changed, and of conversations those that are open. */
function gathered(client: QueryClient): {
  note: (root: string | null) => void;
  stop: () => void;
} {
  /** Null: all of them. */
  let roots: Set<string> | null = new Set();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const read = (): void => {
    timer = undefined;
    const changed = roots;
    roots = new Set();
    void client.invalidateQueries({
      predicate: ({ queryKey: [kind, id] }) => {
        if (!LIVE.has(kind as string)) return false;
        if (changed === null || kind === 'chats') return true;
        const root = client.getQueryData<Chat>(['chat', id])?.root_chat_id;
        return root === undefined || changed.has(root);
      },
    });
  };
  return {
    note: (root) => {
      if (root === '') return;
      if (root === null) roots = null;
      else roots?.add(root);
      timer ??= setTimeout(read, GATHER_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

const LIVE = new Set(['path', 'tree', 'pair', 'chat', 'chats', 'compared']);
