// Moving by pointer: mouse, pen or finger. While something is dragged it is shown where it would be dropped.
import { type PointerEvent, useEffect, useRef, useState } from "react";
import type { Place } from "./items";

type Drag = { id: string; to: Place | null };

/** Days are elements with `data-day`, what is on them has `data-item`; `onDrop` is told where the item was let go. */
export function useDrag(onDrop: (id: string, to: Place) => void) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const over = useRef<Place | null>(null); // the same at once: a quick hand lets go before anything is drawn

  useEffect(() => {
    if (!drag) return;
    const { id } = drag;
    // On the window, since the handle itself moves from day to day meanwhile.
    const listeners = {
      pointermove: ({ clientX, clientY }: MouseEvent) => {
        over.current = placeAt(clientX, clientY, id) ?? over.current;
        setDrag({ id, to: over.current });
      },
      pointerup: () => {
        if (over.current) onDrop(id, over.current);
        setDrag(null);
      },
      pointercancel: () => setDrag(null),
      keydown: (event: KeyboardEvent) => { if (event.key === "Escape") setDrag(null); },
    };
    const watch = new AbortController();
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener as EventListener, watch);
    return () => watch.abort();
  }, [drag, onDrop]);

  function start(id: string, event: PointerEvent<HTMLElement>) {
    if (event.button !== 0) return;
    event.currentTarget.releasePointerCapture(event.pointerId);
    over.current = null;
    setDrag({ id, to: null });
  }
  return { drag, start };
}

function placeAt(x: number, y: number, id: string): Place | null {
  const day = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-day]");
  if (!day) return null;
  const others = [...day.querySelectorAll<HTMLElement>("[data-item]")].filter((item) => item.dataset["item"] !== id);
  const below = others.findIndex((item) => {
    const { top, height } = item.getBoundingClientRect();
    return y < top + height / 2;
  });
  return { dayNumber: Number(day.dataset["day"]), position: below < 0 ? others.length : below };
}
