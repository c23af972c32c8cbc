// The chat of CopilotKit, without a runtime of its own: its agent speaks AG-UI to Banyan.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { HttpAgent } from '@ag-ui/client';
import { CopilotChat, CopilotKitProvider } from '@copilotkit/react-core/v2';
import '@copilotkit/react-core/v2/styles.css';
import { guestToken } from '../guest.mjs';

const SERVER = new URLSearchParams(location.search).get('server') ?? 'http://127.0.0.1:3000';
const headers = { authorization: `Bearer ${await guestToken(SERVER, localStorage)}` };

/** A thread is known by an id that this page makes up, and has again after a reload. */
const threadId = (localStorage.thread ??= crypto.randomUUID());

class Banyan extends HttpAgent {
  /** What was said before: the chat asks for it when it opens a thread. */
  connect(input) {
    return new HttpAgent({ url: `${SERVER}/agui/connect`, headers }).run(input);
  }
}
const agents = { default: new Banyan({ url: `${SERVER}/agui`, headers, threadId }) };

createRoot(document.getElementById('root')).render(
  <CopilotKitProvider selfManagedAgents={agents} enableInspector={false}>
    <CopilotChat threadId={threadId} />
  </CopilotKitProvider>,
);
