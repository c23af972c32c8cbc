import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { ENDPOINT, HEADERS, NAMES, runFlows } from './mcp-flows.mjs';

const client = new Client(NAMES, { versionNegotiation: { mode: 'auto' } });
await client.connect(
  new StreamableHTTPClientTransport(ENDPOINT, { requestInit: { headers: HEADERS } }),
);
await runFlows(client);
