/** Lines of small pictures, on a square of 24. */
const PATHS = {
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 20.5 20.5',
  help: 'M8.5 9a3.5 3.5 0 1 1 5.4 2.9c-1.2.8-1.9 1.5-1.9 3.1M12 19.2v.1',
  list: 'M4 6.5h16M4 12h16M4 17.5h16',
  more: 'M5.5 12h.1M12 12h.1M18.5 12h.1',
  close: 'M6 6l12 12M18 6 6 18',
  attach:
    'M19 11.5 12 18.6a4.6 4.6 0 0 1-6.5-6.5l7.3-7.3a3.1 3.1 0 0 1 4.4 4.4l-7.2 7.2a1.6 1.6 0 0 1-2.2-2.2l6.5-6.5',
  rename: 'M4.5 19.5l.9-4L16 4.9a1.8 1.8 0 0 1 2.6 0l.5.5a1.8 1.8 0 0 1 0 2.6L8.5 18.6zM14 7l3 3',
  remove: 'M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7M10.3 10.5v5.5M13.7 10.5v5.5',
  pin: 'M12 4l2.4 5 5.4.7-4 3.8 1 5.4-4.8-2.7-4.8 2.7 1-5.4-4-3.8 5.4-.7z',
  before: 'M14.5 6 8.5 12l6 6',
  next: 'M9.5 6l6 6-6 6',
} as const;

/** A picture beside, or in the place of, words that a screen reader is told otherwise. */
export const Icon = ({ of, isFull = false }: { of: keyof typeof PATHS; isFull?: boolean }) => (
  <svg
    className={`glyph${isFull ? ' full' : ''}`}
    data-of={of}
    viewBox="0 0 24 24"
    aria-hidden="true"
  >
    <path d={PATHS[of]} />
  </svg>
);
