import { Dialog } from './Dialog';

const KEYS: [string, string][] = [
  ['/', 'search'],
  ['n', 'a new conversation'],
  ['c', 'write a message'],
  ['↑ ↓  or  j k', 'the message above, below'],
  ['[  ]', 'the other answers at this place'],
  ['e', 'edit the question'],
  ['r', 'another answer'],
  ['b', 'branch here'],
  ['t', 'the tree, and back'],
  ['Esc', 'close; stop writing'],
];

export const Help = ({ onClose }: { onClose: () => void }) => (
  <Dialog label="Keys" onClose={onClose}>
    <dl className="keys">
      {KEYS.map(([key, what]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
    <p className="hint">
      In the tree: arrows move, Enter opens. Drop an export of ChatGPT, Claude, LibreChat or Open
      WebUI anywhere to import it.
    </p>
  </Dialog>
);
