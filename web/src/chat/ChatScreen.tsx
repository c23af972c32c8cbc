import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { activate, ask, createChat, getChat, getPair, stopAnswer } from '../api/banyan';
import type { Pair } from '../api/types';
import { Failed } from '../app/Failed';
import { useKeys } from '../app/keys';
import { attempt } from '../app/notices';
import { ChatHeader } from './ChatHeader';
import { Composer } from './Composer';
import { PairView } from './PairView';
import { usePairActs } from './usePairActs';
import { showPosted, usePath } from './usePath';

interface Props {
  /** Null: a conversation that begins with what is said first. */
  chatId: string | null;
  around?: string;
  onList: () => void;
}

export function ChatScreen(props: Props) {
  return props.chatId === null ? (
    <NewChat onList={props.onList} />
  ) : (
    <OpenChat {...props} chatId={props.chatId} />
  );
}

function NewChat({ onList }: { onList: () => void }) {
  const [, go] = useLocation();
  const client = useQueryClient();
  return (
    <section className="chat" aria-label="New conversation">
      <ChatHeader chat={null} onList={onList} />
      <div className="path empty">
        <h1>What is on your mind?</h1>
        <p className="hint">Ask something. Branch from any answer.</p>
      </div>
      <Composer
        label="Message"
        busy={false}
        onSay={async (said) => {
          const { chat_id } = await createChat();
          await ask(chat_id, said);
          void client.invalidateQueries({ queryKey: ['chats'] });
          go(`/c/${chat_id}`);
        }}
      />
    </section>
  );
}

function OpenChat({ chatId, around, onList }: Props & { chatId: string }) {
  const client = useQueryClient();
  const [, go] = useLocation();
  const { data: chat, error } = useQuery({
    queryKey: ['chat', chatId],
    queryFn: () => getChat(chatId),
  });
  const path = usePath(chatId, around);
  const { pairs } = path;
  const [current, setCurrent] = useState<string | null>(around ?? null);
  const [editing, setEditing] = useState<string | null>(null);
  const running = pairs.find(({ status }) => status === 'streaming');
  const scroller = useScroll(path, around);
  useCurrentKeys({ chatId, pairs, current, setCurrent, setEditing, go });
  useEffect(() => {
    // Where a person is goes with them to their other devices.
    if (chat && !chat.active) void activate(chatId, chatId).catch(() => undefined);
  }, [chat, chatId]);

  if (error) return <Failed error={error} />;
  return (
    <section className="chat" aria-label={chat?.name ?? 'Conversation'}>
      <ChatHeader chat={chat ?? null} onList={onList} />
      <div className="path" ref={scroller.element} onScroll={scroller.onScroll}>
        {path.hasPreviousPage && <p className="hint center">Older messages …</p>}
        {pairs.map((pair) => (
          <PairView
            key={pair.response_id}
            chatId={chatId}
            pair={pair}
            isCurrent={current === pair.response_id}
            isEditing={editing === pair.response_id}
            onEdit={(is) => setEditing(is ? pair.response_id : null)}
          />
        ))}
        {path.isSuccess && pairs.length === 0 && <p className="hint center">Nothing said yet.</p>}
      </div>
      <Composer
        label="Message"
        busy={running !== undefined}
        onStop={() => running && attempt(() => stopAnswer(chatId, running.response_id))}
        onSay={async (said) => {
          const { response_id } = await ask(chatId, said);
          const { siblings: _, ...pair } = await getPair(chatId, response_id);
          showPosted(client, chatId, pair);
          scroller.toEnd();
          if (around) go(`/c/${chatId}`);
          void client.invalidateQueries({ queryKey: ['chats'] });
        }}
      />
    </section>
  );
}

type Path = ReturnType<typeof usePath>;

/** So near to an end of what is there, in pixels, the next page is asked for. */
const NEAR = 400;
const AT_END = 40;

/**
 * Stays at the newest words while a person is there, else at the words that they look at, whatever
 * comes or goes above; and reads further pages at both ends.
 */
function useScroll(path: Path, around: string | undefined) {
  const element = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(around === undefined);
  const isPlaced = useRef(false);
  const seen = useRef<Seen | null>(null);
  const { pairs } = path;
  const readOn = (): void => {
    if (path.isFetching || !isPlaced.current || !element.current) return;
    const { scrollTop, scrollHeight, clientHeight } = element.current;
    const below = scrollHeight - scrollTop - clientHeight;
    if (scrollTop < NEAR && path.hasPreviousPage) void path.fetchPreviousPage();
    else if (below < NEAR && path.hasNextPage) void path.fetchNextPage();
  };
  useLayoutEffect(() => {
    const { current } = element;
    if (!current || pairs.length === 0) return;
    if (!isPlaced.current && around)
      document.getElementById(`m-${around}`)?.scrollIntoView({ block: 'center' });
    else if (!isAtEnd.current) goTo(current, seen.current);
    isPlaced.current = true;
    if (!isAtEnd.current) return;
    const stay = (): void => {
      if (isAtEnd.current) current.scrollTop = current.scrollHeight;
    };
    stay();
    const observer = new ResizeObserver(stay);
    for (const child of current.children) observer.observe(child);
    return () => observer.disconnect();
  }, [pairs, around]);
  // A page that came may be shorter than the screen.
  useEffect(readOn, [path.isFetching]);
  const onScroll = (): void => {
    const { current } = element;
    // It may be told of when another view stands there already.
    if (!current) return;
    const { scrollTop, scrollHeight, clientHeight } = current;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < AT_END && !path.hasNextPage;
    seen.current = seenIn(current);
    readOn();
  };
  const toEnd = (): void => {
    isAtEnd.current = true;
  };
  return { element, onScroll, toEnd };
}

/** The first words on the screen, and how far below its upper edge they begin. */
interface Seen {
  id: string;
  top: number;
}

const topIn = (scroller: Element, child: Element): number =>
  child.getBoundingClientRect().top - scroller.getBoundingClientRect().top;

function seenIn(scroller: Element): Seen | null {
  const first = [...scroller.children].find(
    (child) => child.id && topIn(scroller, child) + child.clientHeight > 0,
  );
  return first ? { id: first.id, top: topIn(scroller, first) } : null;
}

function goTo(scroller: Element, seen: Seen | null): void {
  const child = seen && document.getElementById(seen.id);
  if (child) scroller.scrollTop += topIn(scroller, child) - seen.top;
}

interface Keys {
  chatId: string;
  pairs: readonly Pair[];
  current: string | null;
  setCurrent: (id: string | null) => void;
  setEditing: (id: string | null) => void;
  go: (to: string) => void;
}

function useCurrentKeys({ chatId, pairs, current, setCurrent, setEditing, go }: Keys): void {
  const at = pairs.findIndex(({ response_id }) => response_id === current);
  const chosen = pairs[at] ?? pairs.at(-1);
  const move = (by: number): void => {
    const next = pairs[Math.min(pairs.length - 1, Math.max(0, (at < 0 ? pairs.length : at) + by))];
    if (!next) return;
    setCurrent(next.response_id);
    document.getElementById(`m-${next.response_id}`)?.scrollIntoView({ block: 'nearest' });
  };
  const { again, branch, beside } = usePairActs(chatId);
  useKeys({
    ArrowUp: () => move(-1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    j: () => move(1),
    '[': () => chosen && beside(chosen, -1),
    ']': () => chosen && beside(chosen, 1),
    e: () => chosen && setEditing(chosen.response_id),
    r: () => chosen && again(chosen),
    b: () => chosen && branch(chosen),
    t: () => go(`/c/${chatId}/tree`),
    c: () => document.querySelector<HTMLTextAreaElement>('.chat > .composer textarea')?.focus(),
  });
}
