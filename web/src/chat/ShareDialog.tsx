import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { newKey, share, unshare } from '../api/banyan';
import { Dialog } from '../app/Dialog';
import { attempt, say } from '../app/notices';

/** A link to the branch as it is now. It is told this once, and may be taken back here. */
export function ShareDialog({ chatId, onClose }: { chatId: string; onClose: () => void }) {
  const [isCopied, setCopied] = useState(false);
  const [key] = useState(newKey);
  const { data, error } = useQuery({
    queryKey: ['share', key],
    queryFn: () => share(chatId, key),
    staleTime: Infinity,
    gcTime: 0,
  });
  const address = data && new URL(data.url, location.href).href;
  return (
    <Dialog label="Share a link" onClose={onClose}>
      <p className="hint">
        Whoever has this link reads this branch up to its newest message, without an account. What
        you write later stays with you.
      </p>
      {error && <p className="error">{error.message}</p>}
      <input
        type="text"
        readOnly
        aria-label="The link"
        value={address ?? ''}
        onFocus={({ target }) => target.select()}
      />
      <div className="choices">
        <button
          type="button"
          className="primary"
          disabled={!address}
          onClick={() =>
            attempt(async () => {
              await navigator.clipboard.writeText(address!);
              setCopied(true);
            })
          }
        >
          {isCopied ? 'Copied' : 'Copy'}
        </button>
        <button
          type="button"
          className="secondary"
          disabled={!data}
          onClick={() =>
            attempt(async () => {
              await unshare(data!.share_id);
              onClose();
              say('The link is taken back: nobody reads by it any more.');
            })
          }
        >
          Take it back
        </button>
      </div>
    </Dialog>
  );
}
