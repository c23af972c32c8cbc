import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { Router } from 'wouter';
import { BASE } from '../api/base';
import { onSession, session } from '../api/session';
import { Notices } from './notices';
import { Shell } from './Shell';
import { SignIn } from './SignIn';

export function App() {
  const current = useSyncExternalStore(onSession, session);
  const account = current?.account.account_id;
  const client = useQueryClient();
  // Nobody sees what another account has read here.
  useEffect(() => () => client.clear(), [account, client]);
  return (
    <>
      <Router base={BASE}>
        {current ? <Shell key={account} session={current} /> : <SignIn />}
      </Router>
      <Notices />
    </>
  );
}
