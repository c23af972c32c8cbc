import { type ReactNode, useEffect, useRef } from 'react';
import { Icon } from './Icon';

/** A dialog of the browser's own: it keeps the focus inside, and gives it back. */
export function Dialog(props: { label: string; onClose: () => void; children: ReactNode }) {
  const { label, onClose, children } = props;
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog
      ref={element}
      aria-label={label}
      onClose={onClose}
      onClick={({ target }) => target === element.current && onClose()}
    >
      <div className="dialog">
        {children}
        {/* Stands first, but does not take the focus. */}
        <header>
          <h2>{label}</h2>
          <button type="button" className="icon" aria-label="Close" onClick={onClose}>
            <Icon of="close" />
          </button>
        </header>
      </div>
    </dialog>
  );
}
