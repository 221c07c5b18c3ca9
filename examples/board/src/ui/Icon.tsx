const PATHS = {
  handle: "M5 3h2v2H5zM9 3h2v2H9zM5 7h2v2H5zM9 7h2v2H9zM5 11h2v2H5zM9 11h2v2H9z",
  more: "M3 7h2v2H3zM7 7h2v2H7zM11 7h2v2h-2z",
  bell: "M8 2a4 4 0 0 0-4 4v3l-1.5 2.5h11L12 9V6a4 4 0 0 0-4-4zM6.5 12.5a1.5 1.5 0 0 0 3 0z",
  up: "M8 3l5 6h-3v4H6V9H3z",
  down: "M8 13l5-6h-3V3H6v4H3z",
};

/** A small picture beside words or a label; nothing that is read aloud. */
export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" className="icon">
      <path d={PATHS[name]} fill="currentColor" />
    </svg>
  );
}
