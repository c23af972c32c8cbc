import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useDeferredValue, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { deleteChat, getChat, listChats, restoreChat, signOut, updateChat } from '../api/banyan';
import type { Session } from '../api/session';
import type { ListedChat } from '../api/types';
import { Icon } from './Icon';
import { takeIn } from './imports';
import { Logo } from './Logo';
import { attempt, say } from './notices';

interface Props {
  session: Session;
  isOpen: boolean;
  onClose: () => void;
  onSearch: () => void;
  onHelp: () => void;
}

export function ChatList({ session, isOpen, onClose, onSearch, onHelp }: Props) {
  const [filter, setFilter] = useState('');
  const q = useDeferredValue(filter);
  const { data, fetchNextPage, hasNextPage, error, isSuccess } = useInfiniteQuery({
    queryKey: ['chats', q],
    queryFn: ({ pageParam }) => listChats(pageParam, q),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });
  const open = useOpenRoot();
  const chats = data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <>
      {isOpen && <div className="shade" onClick={onClose} />}
      <nav className={`list${isOpen ? ' open' : ''}`} aria-label="Conversations">
        <header>
          <Logo />
          <button type="button" className="icon" onClick={onSearch} aria-label="Search (/)">
            <Icon of="search" />
          </button>
          <button type="button" className="icon" onClick={onHelp} aria-label="Keys (?)">
            <Icon of="help" />
          </button>
        </header>
        <Link href="/" className="primary new">
          New conversation
        </Link>
        <input
          type="search"
          value={filter}
          onChange={({ target }) => setFilter(target.value)}
          placeholder="Filter by name"
          aria-label="Filter conversations by name"
        />
        {error && <p className="error">{error.message}</p>}
        {isSuccess && chats.length === 0 && (
          <p className="hint">
            {q === ''
              ? 'Nothing here yet. What you ask stays in this list.'
              : 'None has this name.'}
          </p>
        )}
        <ul>
          {chats.map((chat) => (
            <ChatItem key={chat.chat_id} chat={chat} isOpen={chat.chat_id === open} />
          ))}
        </ul>
        {hasNextPage && (
          <button type="button" className="link" onClick={() => void fetchNextPage()}>
            Older ones
          </button>
        )}
        <Foot session={session} />
      </nav>
    </>
  );
}

function Foot({ session }: Pick<Props, 'session'>) {
  const { account, guest } = session;
  return (
    <footer>
      <span title={account.email ?? ''}>{guest ? 'Guest' : (account.name ?? account.email)}</span>
      <ImportButton />
      <a href="docs">API</a>
      <button type="button" className="link" onClick={() => void signOut(session)}>
        Sign out
      </button>
    </footer>
  );
}

/** For those who cannot drop a file: on a phone, or by keys. */
function ImportButton() {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={picker}
        type="file"
        aria-label="An export of another product"
        hidden
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file) takeIn(file);
          target.value = '';
        }}
      />
      <button
        type="button"
        className="link"
        title="Conversations of ChatGPT, Claude, LibreChat or Open WebUI"
        onClick={() => picker.current?.click()}
      >
        Import
      </button>
    </>
  );
}

/** The root of what is open; undefined where nothing is. */
function useOpenRoot(): string | undefined {
  const [place] = useLocation();
  const chatId = /^\/c\/([^/]+)/.exec(place)?.[1];
  const { data } = useQuery({
    queryKey: ['chat', chatId],
    queryFn: () => getChat(chatId!),
    enabled: chatId !== undefined,
  });
  return chatId && data?.root_chat_id;
}

function ChatItem({ chat, isOpen }: { chat: ListedChat; isOpen: boolean }) {
  const client = useQueryClient();
  const [, go] = useLocation();
  const href = `/c/${chat.active_chat_id ?? chat.chat_id}`;
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: ['chats'] });
  const change = (work: () => Promise<unknown>): void =>
    attempt(async () => {
      await work();
      await changed();
    });
  const rename = (): void => {
    const name = prompt('Name of the conversation', chat.name ?? '')?.trim();
    if (name) change(() => updateChat(chat.chat_id, { name }));
  };
  const remove = (): void =>
    change(async () => {
      await deleteChat(chat.chat_id);
      if (isOpen) go('/');
      say(`“${chat.name ?? 'Untitled'}” is deleted.`, () =>
        change(() => restoreChat(chat.chat_id)),
      );
    });
  return (
    <li className={isOpen ? 'current' : undefined}>
      <Link href={href} aria-current={isOpen ? 'page' : undefined} dir="auto">
        {chat.pinned && <span aria-label="pinned">★ </span>}
        {chat.name ?? 'Untitled'}
      </Link>
      <span className="tools">
        <button
          type="button"
          className="icon"
          aria-label={chat.pinned ? 'Unpin' : 'Pin'}
          title={chat.pinned ? 'Unpin' : 'Pin'}
          onClick={() => change(() => updateChat(chat.chat_id, { pinned: !chat.pinned }))}
        >
          <Icon of="pin" isFull={chat.pinned} />
        </button>
        <button type="button" className="icon" aria-label="Rename" title="Rename" onClick={rename}>
          <Icon of="rename" />
        </button>
        <button type="button" className="icon" aria-label="Delete" title="Delete" onClick={remove}>
          <Icon of="remove" />
        </button>
      </span>
    </li>
  );
}
