import { type ReactNode, useEffect, useRef } from 'react';

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
        <header>
          <h2>{label}</h2>
          <button type="button" className="icon" aria-label="Close" onClick={onClose}>
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
