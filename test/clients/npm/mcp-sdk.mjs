import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ENDPOINT, HEADERS, NAMES, runFlows } from './mcp-flows.mjs';

const client = new Client(NAMES);
await client.connect(
  new StreamableHTTPClientTransport(ENDPOINT, { requestInit: { headers: HEADERS } }),
);
await runFlows(client);
