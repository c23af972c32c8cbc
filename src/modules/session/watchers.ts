import type { SessionKey, Wake } from './session-store.js';

type Listener = (wake: Wake) => void;

/** One text for a session of an account. Account ids have no slash. */
export const textOf = ({ accountId, sessionId }: SessionKey): string => `${accountId}/${sessionId}`;

/** Who watches which session, in this process. */
export class Watchers {
  private readonly listeners = new Map<string, Set<Listener>>();

  /** @returns a function that removes the listener */
  add(session: string, listener: Listener): () => void {
    const set = this.listeners.get(session) ?? new Set();
    this.listeners.set(session, set.add(listener));
    return () => {
      set.delete(listener);
      if (set.size === 0 && this.listeners.get(session) === set) this.listeners.delete(session);
    };
  }

  has(session: string): boolean {
    return this.listeners.has(session);
  }

  wake(session: string, wake: Wake): void {
    for (const listener of this.listeners.get(session) ?? []) listener(wake);
  }

  wakeAll(): void {
    for (const session of this.listeners.keys()) this.wake(session, 'look');
  }
}
