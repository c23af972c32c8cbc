// The peer: `ws` and nothing else. GET /publish?bytes=n sends a frame of that size to all sockets,
// as a loop over them.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const sockets = new Set();
const server = createServer((request, response) => {
  const text = new URL(request.url, 'http://peer').searchParams.get('text');
  const frame = JSON.stringify({ event: 'message.created', data: { question: text }, seq: 1 });
  for (const socket of sockets) socket.send(frame);
  response.end();
});
new WebSocketServer({
  server,
  perMessageDeflate: false,
  maxPayload: 65_536,
  clientTracking: false,
}).on('connection', (socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  socket.on('message', () => socket.send('{"event":"subscribed"}'));
});
server.listen(0, '127.0.0.1', () =>
  console.log(`Banyan is ready: http://127.0.0.1:${server.address().port}`),
);
process.stdin.resume().on('end', () => process.exit());
