import { API } from './base';
import type { SignedIn } from './types';

/** Who is signed in, as this browser keeps it. */
export interface Session extends Pick<SignedIn, 'access_token' | 'refresh_token' | 'account'> {
  /** A guest's password, so that a guest can come back, and take the account over. */
  guest?: { email: string; password: string };
}

const KEY = 'banyan.session';
const LOCK = 'banyan.refresh';
const listeners = new Set<() => void>();
let current: Session | null = read();

function read(): Session | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null') as Session | null;
  } catch {
    return null;
  }
}

// Another tab has signed in or out, or renewed the tokens.
addEventListener('storage', ({ key }) => {
  if (key !== KEY && key !== null) return;
  current = read();
  listeners.forEach((tell) => tell());
});

export const session = (): Session | null => current;

export function setSession(next: Session | null): void {
  keepSession(next);
  listeners.forEach((tell) => tell());
}

/** Signs in without a word to this page, which goes on to show what it shows. */
export function keepSession(next: Session | null): void {
  current = next;
  if (next) localStorage.setItem(KEY, JSON.stringify(next));
  else localStorage.removeItem(KEY);
}

export function onSession(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

/**
 * New tokens in the place of ones that have ended: by one tab at a time, as a refresh token is good
 * once. Answers whether there is a session now.
 */
export async function renew(stale: string): Promise<boolean> {
  const once = async (): Promise<boolean> => {
    const kept = read();
    if (!kept) return false;
    if (kept.access_token !== stale) {
      current = kept;
      return true;
    }
    const answer = await fetch(`${API}/auth/refresh`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: kept.refresh_token }),
    });
    if (answer.ok) {
      setSession({ ...kept, ...((await answer.json()) as SignedIn) });
      return true;
    }
    // 422: what is kept is no token of this server.
    if (answer.status === 401 || answer.status === 422) setSession(null);
    return false;
  };
  // Only pages of https and of this machine have locks.
  return navigator.locks ? navigator.locks.request(LOCK, once) : once();
}
