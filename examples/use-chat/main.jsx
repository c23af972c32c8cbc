import React, { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useChat } from '@ai-sdk/react';
import { DefaultChatTransport } from 'ai';
import { guestToken } from '../guest.mjs';

const SERVER = new URLSearchParams(location.search).get('server') ?? 'http://127.0.0.1:3000';

const textOf = ({ parts }) => parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

function Chat({ token }) {
  const [draft, setDraft] = useState('');
  const [transport] = useState(
    () =>
      new DefaultChatTransport({
        api: `${SERVER}/api/chat`,
        headers: { authorization: `Bearer ${token}` },
      }),
  );
  const { messages, status, error, sendMessage, regenerate } = useChat({ transport });
  const busy = status === 'submitted' || status === 'streaming';
  const ask = (event) => {
    event.preventDefault();
    setDraft('');
    void sendMessage({ text: draft });
  };
  return (
    <main>
      {messages.map((message) => (
        <p key={message.id} data-role={message.role}>
          <b>{message.role}</b> {textOf(message)}
          {message.metadata?.siblingCount > 1 && (
            <i>
              {' '}
              {`answer ${message.metadata.siblingIndex + 1} of ${message.metadata.siblingCount}`}
            </i>
          )}
        </p>
      ))}
      {error && <p role="alert">{error.message}</p>}
      <form onSubmit={ask}>
        <input aria-label="Question" value={draft} onChange={(e) => setDraft(e.target.value)} />
        <button disabled={busy || draft.trim() === ''}>Ask</button>
        <button type="button" disabled={busy || messages.length === 0} onClick={() => regenerate()}>
          Answer again
        </button>
      </form>
    </main>
  );
}

createRoot(document.getElementById('root')).render(<Chat token={await guestToken(SERVER)} />);
