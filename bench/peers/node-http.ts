import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ready } from '../servers/child.js';

/** The least that a Node server can do: what HTTP itself costs on this machine. */
const server = createServer((_request, response) => {
  const body = JSON.stringify({ status: 'ok' });
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
  });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port));
