import { type FormEvent, useState } from 'react';
import { register, resetPassword, signIn, signInAsGuest } from '../api/banyan';
import { BASE } from '../api/base';
import { setSession } from '../api/session';
import { makeDemo } from './demo';
import { Logo } from './Logo';
import { say, sayError } from './notices';

/** The first minute: look around as a guest, or sign in. */
export function SignIn() {
  const [way, setWay] = useState<Way>('signIn');
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);

  const run = (what: string, work: () => Promise<void>): void => {
    setBusy(what);
    setError(null);
    work()
      .catch((fault: unknown) => setError(fault instanceof Error ? fault.message : String(fault)))
      .finally(() => setBusy(null));
  };
  const go = (other: Way): void => {
    setError(null);
    setWay(other);
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = (name: string): string => String(form.get(name) ?? '').trim();
    run('form', async () => {
      const password = String(form.get('password'));
      if (way === 'signIn') return signIn(said('email'), password);
      if (way === 'register') return register(said('email'), password, said('token'));
      await resetPassword(said('token'), password);
      go('signIn');
      say('The password is set. Sign in with it.');
    });
  };
  const tryIt = (): void =>
    run('guest', async () => {
      const session = await signInAsGuest().catch((fault: Error) => {
        if (fault.message.includes('invitation')) setWay('register');
        throw fault;
      });
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
        <Form {...{ way, error }} isBusy={busy !== null} onSubmit={submit} />
        {WAYS.filter((other) => other !== way).map((other) => (
          <button key={other} type="button" className="link" onClick={() => go(other)}>
            {WORDS[other].link}
          </button>
        ))}
        <p className="hint">
          Or use it from your own code: <a href="docs">the API</a>.
        </p>
      </section>
    </main>
  );
}

type Way = 'signIn' | 'register' | 'reset';

const WAYS: readonly Way[] = ['signIn', 'register', 'reset'];

const WORDS: Record<Way, { link: string; title: string; act: string }> = {
  signIn: { link: 'I have an account', title: 'Sign in', act: 'Sign in' },
  register: { link: 'Create an account', title: 'Create an account', act: 'Create account' },
  reset: { link: 'I forgot my password', title: 'Set another password', act: 'Set password' },
};

interface FormProps {
  way: Way;
  isBusy: boolean;
  error: string | null;
  onSubmit: (event: FormEvent<HTMLFormElement>) => void;
}

function Form({ way, isBusy, error, onSubmit }: FormProps) {
  return (
    <form onSubmit={onSubmit} aria-label={WORDS[way].title}>
      {way === 'reset' ? (
        <>
          <p className="hint">
            Whoever runs this server makes a token for you: <code>banyan admin reset-password</code>
          </p>
          <Token label="Token" isNeeded />
        </>
      ) : (
        <label>
          E-mail
          <input name="email" type="email" autoComplete="email" required />
        </label>
      )}
      <label>
        {way === 'reset' ? 'New password' : 'Password'}
        <input
          name="password"
          type="password"
          autoComplete={way === 'signIn' ? 'current-password' : 'new-password'}
          required
        />
      </label>
      {way === 'register' && <Token label="Invitation, if you were given one" />}
      {error && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
      <button type="submit" className="secondary" disabled={isBusy}>
        {WORDS[way].act}
      </button>
    </form>
  );
}

const Token = ({ label, isNeeded = false }: { label: string; isNeeded?: boolean }) => (
  <label>
    {label}
    <input name="token" autoComplete="off" spellCheck={false} required={isNeeded} />
  </label>
);
