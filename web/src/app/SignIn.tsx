import { type FormEvent, useState } from 'react';
import { register, signIn, signInAsGuest } from '../api/banyan';
import { BASE } from '../api/base';
import { setSession } from '../api/session';
import { makeDemo } from './demo';
import { Logo } from './Logo';
import { sayError } from './notices';

/** The first minute: look around as a guest, or sign in. */
export function SignIn() {
  const [isNew, setIsNew] = useState(false);
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);

  const run = (what: string, work: () => Promise<void>): void => {
    setBusy(what);
    setError(null);
    work()
      .catch((fault: unknown) => setError(fault instanceof Error ? fault.message : String(fault)))
      .finally(() => setBusy(null));
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [email, password] = [String(form.get('email')), String(form.get('password'))];
    run('form', () => (isNew ? register(email, password) : signIn(email, password)));
  };
  const tryIt = (): void =>
    run('guest', async () => {
      const session = await signInAsGuest();
      try {
        history.replaceState(null, '', `${BASE}/c/${await makeDemo()}`);
      } catch (error) {
        sayError(error);
      }
      setSession(session);
    });

  return (
    <main className="welcome">
      <section className="welcome-card">
        <Logo />
        <h1>Conversations that branch</h1>
        <p className="lead">
          Every message can be the start of another line of thought. Nothing is copied, nothing is
          lost.
        </p>
        <button type="button" className="primary big" onClick={tryIt} disabled={busy !== null}>
          {busy === 'guest' ? 'Making a conversation for you …' : 'Try it'}
        </button>
        <p className="hint">Makes a guest account with a conversation to look at. No key needed.</p>
        <Form {...{ isNew, error }} isBusy={busy !== null} onSubmit={submit} />
        <button type="button" className="link" onClick={() => setIsNew(!isNew)}>
          {isNew ? 'I have an account' : 'Create an account'}
        </button>
        <p className="hint">
          Or use it from your own code: <a href="docs">the API</a>.
        </p>
      </section>
    </main>
  );
}

interface FormProps {
  isNew: boolean;
  isBusy: boolean;
  error: string | null;
  onSubmit: (event: FormEvent<HTMLFormElement>) => void;
}

function Form({ isNew, isBusy, error, onSubmit }: FormProps) {
  return (
    <form onSubmit={onSubmit} aria-label={isNew ? 'Create an account' : 'Sign in'}>
      <label>
        E-mail
        <input name="email" type="email" autoComplete="email" required />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          autoComplete={isNew ? 'new-password' : 'current-password'}
          required
        />
      </label>
      {error && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
      <button type="submit" className="secondary" disabled={isBusy}>
        {isNew ? 'Create account' : 'Sign in'}
      </button>
    </form>
  );
}
