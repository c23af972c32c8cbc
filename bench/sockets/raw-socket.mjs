import { once } from 'node:events';
import { connect } from 'node:net';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/**
 * The writer puts the time into the text of every question: two of these, 16 characters in between.
 */
export const MARK = Buffer.from('@@');
const MARKED = 20;
const NO_MASK = Buffer.alloc(4);
const PING = 9;
/** Whoever does not answer is cut off after two pings. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

/**
 * A WebSocket client that does as little as one can: it finds the borders of frames (RFC 6455, 5.2)
 * and hands their first bytes on. On two cores a client that costs as much as the server would hide
 * what the server does.
 */
export class RawSocket {
  #socket;
  #onFrame;
  /** Bytes of the current frame that are still to come, and of its header as far as it is there. */
  #left = 0;
  #header = Buffer.alloc(0);

  constructor(socket, onFrame) {
    this.#socket = socket;
    this.#onFrame = onFrame;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined);
  }

  /**
   * @param onFrame gets the bytes of a frame that came with its header; at least 120 of them unless
   * the frame is shorter
   */
  static async open(port, path, token, onFrame) {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const authorization = token ? `Authorization: Bearer ${token}\r\n` : '';
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n${authorization}Sec-WebSocket-Key: ${KEY}\r\n\r\n`,
    );
    const [answer] = await once(socket, 'data');
    const end = answer.indexOf('\r\n\r\n');
    if (!answer.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101')))
      throw new Error(answer.toString());
    const raw = new RawSocket(socket, onFrame);
    if (answer.length > end + 4) raw.#read(answer.subarray(end + 4));
    return raw;
  }

  /** A masked text frame; the mask is zero, as nobody sits in between. */
  send(value) {
    const payload = Buffer.from(JSON.stringify(value));
    const head =
      payload.length < 126
        ? Buffer.from([0x81, 0x80 | payload.length])
        : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
    this.#socket.write(Buffer.concat([head, NO_MASK, payload]));
  }

  pause() {
    this.#socket.pause();
  }

  onClose(work) {
    this.#socket.once('close', work);
  }

  #read(chunk) {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
        continue;
      }
      const rest =
        this.#header.length > 0
          ? Buffer.concat([this.#header, chunk.subarray(at)])
          : chunk.subarray(at);
      const frame = sizeOf(rest);
      if (!frame || rest.length < Math.min(frame.header + frame.payload, frame.header + 120)) {
        this.#header = Buffer.from(rest);
        return;
      }
      if ((rest[0] & 15) === PING) this.#socket.write(PONG);
      else this.#onFrame(rest.subarray(frame.header, frame.header + frame.payload));
      at += frame.header + frame.payload - this.#header.length;
      this.#header = this.#header.subarray(0, 0);
      this.#left = Math.max(0, at - chunk.length);
    }
  }
}

/**
 * A reader of server-sent events that does as little as one can: it looks for the marks that the
 * writer put into the texts.
 */
export class RawStream {
  #socket;
  /** The end of what was read: a mark may be cut by the border of two chunks. */
  #rest = Buffer.alloc(0);

  constructor(socket, onMark) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk, onMark));
    socket.on('error', () => undefined);
  }

  static async open(port, path, token, onMark) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    const [answer] = await once(socket, 'data');
    if (!answer.subarray(0, 12).equals(Buffer.from('HTTP/1.1 200')))
      throw new Error(answer.toString());
    return new RawStream(socket, onMark);
  }

  pause() {
    this.#socket.pause();
  }

  onClose(work) {
    this.#socket.once('close', work);
  }

  #read(chunk, onMark) {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (
      let mark;
      (mark = bytes.indexOf(MARK, at)) >= 0 && mark + MARKED <= bytes.length;
      at = mark + MARKED
    ) {
      onMark(bytes.latin1Slice(mark + 2, mark + MARKED - 2));
    }
    this.#rest = bytes.subarray(Math.max(at, bytes.length - MARKED + 1));
  }
}

/** Null while the header is not complete. */
function sizeOf(bytes) {
  if (bytes.length < 2) return null;
  const short = bytes[1] & 127;
  if (short < 126) return { header: 2, payload: short };
  if (bytes.length < (short === 126 ? 4 : 10)) return null;
  return short === 126
    ? { header: 4, payload: bytes.readUInt16BE(2) }
    : { header: 10, payload: Number(bytes.readBigUInt64BE(2)) };
}
