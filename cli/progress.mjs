// A bar on stderr while somebody looks at it: nothing where stderr is no terminal.

const CELLS = 30;
const EVERY_MS = 100;

export class Progress {
  #shownAt = 0;

  constructor(label, stream = process.stderr) {
    this.label = label;
    this.stream = stream;
  }

  /** @param total 0 where it is not known */
  show(done, total, note = '') {
    if (!this.stream.isTTY || Date.now() - this.#shownAt < EVERY_MS) return;
    this.#shownAt = Date.now();
    const share = total > 0 ? Math.min(1, done / total) : 0;
    const bar = '█'.repeat(Math.round(share * CELLS)).padEnd(CELLS, '░');
    const percent = total > 0 ? `${Math.round(share * 100)} %`.padStart(5) : '';
    this.stream.write(`\r\x1b[K${this.label} ${bar} ${percent} ${note}`);
  }

  end() {
    if (this.stream.isTTY) this.stream.write('\r\x1b[K');
  }
}

/** Bytes as people say them. */
export function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let n = 0;
  while (bytes >= 1024 && n < units.length - 1) [bytes, n] = [bytes / 1024, n + 1];
  return `${n === 0 ? bytes : bytes.toFixed(1)} ${units[n]}`;
}
