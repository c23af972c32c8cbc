import { useSyncExternalStore } from 'react';

interface Notice {
  id: number;
  text: string;
  undo?: () => void;
}

const SHOWN_MS = 6_000;
let notices: readonly Notice[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: readonly Notice[]): void {
  notices = next;
  listeners.forEach((tell) => tell());
}

/** Says something in the corner for some seconds. */
export function say(text: string, undo?: () => void): void {
  const id = ++last;
  set([...notices, { id, text, undo }]);
  setTimeout(() => set(notices.filter((notice) => notice.id !== id)), SHOWN_MS);
}

/** Says what went wrong. */
export const sayError = (error: unknown): void =>
  say(error instanceof Error ? error.message : String(error));

/** Runs something that a person asked for, and says when it does not work. */
export function attempt(work: () => Promise<unknown>): void {
  work().catch(sayError);
}

export function Notices() {
  const shown = useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => notices,
  );
  return (
    <div className="notices" role="status" aria-live="polite">
      {shown.map(({ id, text, undo }) => (
        <div key={id} className="notice">
          <span>{text}</span>
          {undo && (
            <button
              type="button"
              onClick={() => {
                undo();
                set(notices.filter((notice) => notice.id !== id));
              }}
            >
              Undo
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
