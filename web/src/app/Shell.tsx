import { lazy, Suspense, useEffect, useState } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import type { Session } from '../api/session';
import { ChatScreen } from '../chat/ChatScreen';
import { ChatList } from './ChatList';
import { Help } from './Help';
import { takeIn } from './imports';
import { useKeys } from './keys';
import { SearchBox } from './SearchBox';
import { useIsLost, useLive } from './useLive';

const TreeScreen = lazy(() => import('../tree/TreeScreen'));
const CompareScreen = lazy(() => import('../tree/CompareScreen'));

/** The list of conversations, and what is open. */
export function Shell({ session }: { session: Session }) {
  const [place, go] = useLocation();
  const [isListOpen, setListOpen] = useState(false);
  const [overlay, setOverlay] = useState<'search' | 'help' | null>(null);
  useEffect(() => setListOpen(false), [place]);
  useKeys({
    '/': () => setOverlay('search'),
    '?': () => setOverlay('help'),
    n: () => go('/'),
    Escape: () => {
      setOverlay(null);
      setListOpen(false);
    },
  });
  const drop = useDroppedImport();
  useLive();
  const isLost = useIsLost();
  return (
    <div className={`shell${drop.isOver ? ' dropping' : ''}`} {...drop.handlers}>
      <a className="skip" href={`${location.href.split('#')[0]}#main`}>
        Skip to the conversation
      </a>
      <ChatList
        session={session}
        isOpen={isListOpen}
        onClose={() => setListOpen(false)}
        onSearch={() => setOverlay('search')}
        onHelp={() => setOverlay('help')}
      />
      <main id="main" tabIndex={-1}>
        <p className="lost" role="status">
          {isLost && 'No connection to the server. What you see may be old; it is tried again.'}
        </p>
        <Suspense fallback={<p className="loading">Loading …</p>}>
          <Switch>
            <Route path="/c/:chat/tree">
              {({ chat }) => <TreeScreen chatId={chat} onList={() => setListOpen(true)} />}
            </Route>
            <Route path="/c/:chat/compare/:other">
              {({ chat, other }) => <CompareScreen chatId={chat} otherId={other} />}
            </Route>
            <Route path="/c/:chat/m/:pair">
              {({ chat, pair }) => (
                <ChatScreen
                  key={`${chat}/${pair}`}
                  chatId={chat}
                  around={pair}
                  onList={() => setListOpen(true)}
                />
              )}
            </Route>
            <Route path="/c/:chat">
              {({ chat }) => (
                <ChatScreen key={chat} chatId={chat} onList={() => setListOpen(true)} />
              )}
            </Route>
            <Route>
              <ChatScreen key={place} chatId={null} onList={() => setListOpen(true)} />
            </Route>
          </Switch>
        </Suspense>
      </main>
      {overlay === 'search' && <SearchBox onClose={() => setOverlay(null)} />}
      {overlay === 'help' && <Help onClose={() => setOverlay(null)} />}
    </div>
  );
}

/** An export of another product, dropped anywhere, is imported. */
function useDroppedImport() {
  const [isOver, setOver] = useState(false);
  const hasFiles = (event: React.DragEvent): boolean => event.dataTransfer.types.includes('Files');
  return {
    isOver,
    handlers: {
      onDragOver: (event: React.DragEvent) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(true);
      },
      onDragLeave: (event: React.DragEvent) => {
        if (event.currentTarget === event.target) setOver(false);
      },
      onDrop: (event: React.DragEvent) => {
        setOver(false);
        const file = event.dataTransfer.files[0];
        // The composer takes what is dropped on it for the message.
        if (!file || event.isDefaultPrevented()) return;
        event.preventDefault();
        takeIn(file);
      },
    },
  };
}
