import { useId, useRef } from 'react';
import { Icon } from './Icon';

interface Props {
  label: string;
  items: readonly (readonly [name: string, act: () => void])[];
}

/** What is done seldom: in the browser's own popover, which Escape and a click beside it close. */
export function Menu({ label, items }: Props) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  return (
    <>
      <button type="button" className="icon" aria-label={label} title={label} popoverTarget={id}>
        <Icon of="more" />
      </button>
      <div ref={list} id={id} popover="auto" className="menu">
        {items.map(([name, act]) => (
          <button
            key={name}
            type="button"
            onClick={() => {
              list.current?.hidePopover();
              act();
            }}
          >
            {name}
          </button>
        ))}
      </div>
    </>
  );
}
