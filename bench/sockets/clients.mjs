// A process full of clients. Told by messages of its parent: {open}, {stream}, {report}.
import { setTimeout as sleep } from 'node:timers/promises';
import { MARK, RawSocket, RawStream } from './raw-socket.mjs';

/** Latencies in classes of a millisecond; the last one is "more". */
const latencies = new Uint32Array(10_001);
const sockets = [];
let frames = 0;
let subscribed = 0;
let closed = 0;

function onFrame(payload) {
  const at = payload.indexOf(MARK);
  if (at < 0) {
    if (payload.includes('"subscribed"')) subscribed++;
    return;
  }
  note(payload.latin1Slice(at + 2, at + 18));
}

/** @param sent when the event was posted */
function note(sent) {
  frames++;
  latencies[
    Math.max(
      0,
      Math.min(10_000, Math.round(performance.timeOrigin + performance.now() - Number(sent))),
    )
  ]++;
}

async function open({ port, path, people, count, deafEvery = 0 }) {
  for (let n = 0; n < count; n += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, count - n) }, (_, i) =>
        openOne(port, path, people[(n + i) % people.length], n + i, deafEvery),
      ),
    );
  }
  const wanted = people[0].chatId ? sockets.length : 0;
  for (const end = Date.now() + 20_000; subscribed < wanted && Date.now() < end;) await sleep(20);
  for (const [n, socket] of sockets.entries()) if (deafEvery && n % deafEvery === 0) socket.pause();
  return { open: sockets.length - closed, subscribed };
}

async function openOne(port, path, { token, chatId }, n, deafEvery) {
  const isDeaf = deafEvery > 0 && n % deafEvery === 0;
  const socket = await RawSocket.open(
    port,
    path,
    token,
    isDeaf ? (payload) => payload.includes('"subscribed"') && subscribed++ : onFrame,
  );
  socket.onClose(() => closed++);
  sockets.push(socket);
  if (chatId) socket.send({ event: 'subscribe', data: { chat_id: chatId } });
}

/** Event streams of one person's chat. */
async function stream({ port, person: { token, chatId }, count, deafEvery }) {
  for (let n = 0; n < count; n++) {
    const isDeaf = n % deafEvery === 0;
    const one = await RawStream.open(
      port,
      `/api/v1/events?chat_id=${chatId}`,
      token,
      isDeaf ? () => undefined : note,
    );
    one.onClose(() => closed++);
    if (isDeaf) one.pause();
  }
  return { open: count };
}

const orders = { open, stream, report };

function report() {
  const told = { frames, closed, p50: percentile(0.5), p99: percentile(0.99), max: percentile(1) };
  latencies.fill(0);
  frames = 0;
  return told;
}

function percentile(part) {
  const wanted = frames * part;
  for (let ms = 0, seen = 0; ms < latencies.length; ms++)
    if ((seen += latencies[ms]) >= wanted) return ms;
  return Infinity;
}

process.on('message', async (order) => {
  try {
    const [[name, what]] = Object.entries(order);
    process.send(await orders[name](what));
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.on('disconnect', () => process.exit());
