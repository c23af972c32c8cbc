import { useEffect, useRef } from 'react';

/** What keys do, where nobody is writing. */
export function useKeys(keys: Record<string, (event: KeyboardEvent) => void>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const isWriting = target.matches('input, textarea, select, [contenteditable]');
      // What is open above the page has the keys, its Escape too.
      if (document.querySelector('dialog[open], :popover-open')) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (isWriting && event.key !== 'Escape') return;
      const act = latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
