import { useQuery } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { API } from '../api/base';
import { exportChat, getChat, share } from '../api/banyan';
import type { Chat } from '../api/types';
import { attempt, say } from '../app/notices';

interface Props {
  chat: Chat | null;
  onList: () => void;
}

const FORMATS = { markdown: 'md', banyan: 'jsonl', openai: 'jsonl', chatgpt: 'json' } as const;

export function ChatHeader({ chat, onList }: Props) {
  const [, go] = useLocation();
  const name = useNames(chat);
  return (
    <header className="bar">
      <button type="button" className="icon menu" aria-label="Conversations" onClick={onList}>
        ☰
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
          <button type="button" className="secondary" onClick={() => shareIt(chat)}>
            Share
          </button>
          <select
            aria-label="Export this branch"
            value=""
            onChange={({ target }) => save(chat, target.value as keyof typeof FORMATS)}
          >
            <option value="" disabled>
              Export
            </option>
            {Object.keys(FORMATS).map((format) => (
              <option key={format} value={format}>
                {format}
              </option>
            ))}
          </select>
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

const shareIt = (chat: Chat): void =>
  attempt(async () => {
    const { url, token } = await share(chat.chat_id);
    const address = new URL(url ?? `${API}/shared/${token}`, location.href).href;
    await navigator.clipboard?.writeText(address).catch(() => undefined);
    say(`Who has this link can read the branch up to here: ${address}`);
  });

const save = (chat: Chat, format: keyof typeof FORMATS): void =>
  attempt(async () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await exportChat(chat.chat_id, format));
    link.download = `${(chat.name ?? 'conversation').replace(/[^\p{L}\p{N} _-]/gu, '')}.${FORMATS[format]}`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
