import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { exportChat, getChat } from '../api/banyan';
import type { Chat } from '../api/types';
import { Icon } from '../app/Icon';
import { Menu } from '../app/Menu';
import { attempt } from '../app/notices';
import { ShareDialog } from './ShareDialog';

interface Props {
  chat: Chat | null;
  onList: () => void;
}

/** What a branch is saved as: what a person reads, and how its file ends. */
const FORMATS = {
  markdown: ['this branch, to read', 'md'],
  banyan: ['all branches, for Banyan', 'jsonl'],
  chatgpt: ['all branches, as ChatGPT', 'json'],
  openai: ['all branches, as messages', 'jsonl'],
} as const;
type Format = keyof typeof FORMATS;

export function ChatHeader({ chat, onList }: Props) {
  const [, go] = useLocation();
  const name = useNames(chat);
  const [isSharing, setSharing] = useState(false);
  return (
    <header className="bar">
      <button type="button" className="icon to-list" aria-label="Conversations" onClick={onList}>
        <Icon of="list" />
      </button>
      <h1 dir="auto">{name}</h1>
      {chat && (
        <>
          <button
            type="button"
            className="secondary"
            onClick={() => go(`/c/${chat.chat_id}/tree`)}
            title="The tree (t)"
          >
            Tree
          </button>
          <Menu
            label="More"
            items={[
              ['Share a link', () => setSharing(true)],
              ...(Object.keys(FORMATS) as Format[]).map(
                (format) => [`Save ${FORMATS[format][0]}`, () => save(chat, format)] as const,
              ),
            ]}
          />
          {isSharing && <ShareDialog chatId={chat.chat_id} onClose={() => setSharing(false)} />}
        </>
      )}
    </header>
  );
}

/** The name of the conversation, and of the branch. */
function useNames(chat: Chat | null): string {
  const isBranch = chat !== null && chat.chat_id !== chat.root_chat_id;
  const { data: root } = useQuery({
    queryKey: ['chat', chat?.root_chat_id],
    queryFn: () => getChat(chat!.root_chat_id),
    enabled: isBranch,
  });
  if (!chat) return 'New conversation';
  const whole = (isBranch ? root?.name : chat.name) ?? 'Untitled';
  return isBranch ? `${whole} › ${chat.name ?? 'branch'}` : whole;
}

const save = (chat: Chat, format: Format): void =>
  attempt(async () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await exportChat(chat.chat_id, format));
    const name = (chat.name ?? 'conversation').replace(/[^\p{L}\p{N} _-]/gu, '');
    link.download = `${name}.${FORMATS[format][1]}`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
