// The components of assistant-ui: Banyan is the cloud that keeps the threads, and their model.
import React from 'react';
import { createRoot } from 'react-dom/client';
import {
  ActionBarPrimitive,
  AssistantRuntimeProvider,
  BranchPickerPrimitive,
  ComposerPrimitive,
  MessagePrimitive,
  ThreadListItemPrimitive,
  ThreadListPrimitive,
  ThreadPrimitive,
  useLocalRuntime,
} from '@assistant-ui/react';
import { AssistantCloud } from 'assistant-cloud';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { guestToken } from '../guest.mjs';

const SERVER = new URLSearchParams(location.search).get('server') ?? 'http://127.0.0.1:3000';

const cloud = new AssistantCloud({
  baseUrl: `${SERVER}/aui`,
  authToken: () => guestToken(SERVER, localStorage),
  telemetry: false,
});
const token = await guestToken(SERVER, localStorage);

const textOf = ({ content }) =>
  content.map((part) => (part.type === 'text' ? part.text : '')).join('');

/** Asks the model, and stores nothing: what is said is kept by the cloud. */
const model = {
  async *run({ messages, abortSignal }) {
    const answer = await fetch(`${SERVER}/v1/chat/completions`, {
      method: 'POST',
      signal: abortSignal,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        model: 'default',
        stream: true,
        messages: messages.map((message) => ({ role: message.role, content: textOf(message) })),
      }),
    });
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    const events = answer.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    let text = '';
    for await (const { data } of events) {
      if (data === '[DONE]') return;
      text += JSON.parse(data).choices[0]?.delta.content ?? '';
      yield { content: [{ type: 'text', text }] };
    }
  },
};

const Branches = () => (
  <BranchPickerPrimitive.Root hideWhenSingleBranch className="branches">
    <BranchPickerPrimitive.Previous aria-label="The one before">‹</BranchPickerPrimitive.Previous>
    <span>
      <BranchPickerPrimitive.Number />/<BranchPickerPrimitive.Count />
    </span>
    <BranchPickerPrimitive.Next aria-label="The next one">›</BranchPickerPrimitive.Next>
  </BranchPickerPrimitive.Root>
);

const UserMessage = () => (
  <MessagePrimitive.Root className="message user" data-role="user">
    <MessagePrimitive.Parts />
    <ActionBarPrimitive.Root className="actions">
      <ActionBarPrimitive.Edit>Edit</ActionBarPrimitive.Edit>
      <Branches />
    </ActionBarPrimitive.Root>
  </MessagePrimitive.Root>
);

const EditComposer = () => (
  <ComposerPrimitive.Root className="composer">
    <ComposerPrimitive.Input aria-label="Another question in this place" />
    <ComposerPrimitive.Cancel>Cancel</ComposerPrimitive.Cancel>
    <ComposerPrimitive.Send>Ask</ComposerPrimitive.Send>
  </ComposerPrimitive.Root>
);

const AssistantMessage = () => (
  <MessagePrimitive.Root className="message assistant" data-role="assistant">
    <MessagePrimitive.Parts />
    <ActionBarPrimitive.Root className="actions">
      <ActionBarPrimitive.Reload>Answer again</ActionBarPrimitive.Reload>
      <Branches />
    </ActionBarPrimitive.Root>
  </MessagePrimitive.Root>
);

const Threads = () => (
  <ThreadListPrimitive.Root className="threads">
    <ThreadListPrimitive.New>New thread</ThreadListPrimitive.New>
    <ThreadListPrimitive.Items
      components={{
        ThreadListItem: () => (
          <ThreadListItemPrimitive.Root className="thread-item">
            <ThreadListItemPrimitive.Trigger>
              <ThreadListItemPrimitive.Title fallback="New thread" />
            </ThreadListItemPrimitive.Trigger>
            <ThreadListItemPrimitive.Delete aria-label="Delete">✕</ThreadListItemPrimitive.Delete>
          </ThreadListItemPrimitive.Root>
        ),
      }}
    />
  </ThreadListPrimitive.Root>
);

const Thread = () => (
  <ThreadPrimitive.Root className="thread">
    <ThreadPrimitive.Viewport className="viewport">
      <ThreadPrimitive.Messages components={{ UserMessage, EditComposer, AssistantMessage }} />
    </ThreadPrimitive.Viewport>
    <ComposerPrimitive.Root className="composer">
      <ComposerPrimitive.Input aria-label="Question" placeholder="Ask something" />
      <ComposerPrimitive.Send>Ask</ComposerPrimitive.Send>
    </ComposerPrimitive.Root>
  </ThreadPrimitive.Root>
);

const App = () => (
  <AssistantRuntimeProvider runtime={useLocalRuntime(model, { cloud })}>
    <Threads />
    <Thread />
  </AssistantRuntimeProvider>
);

createRoot(document.getElementById('root')).render(<App />);
