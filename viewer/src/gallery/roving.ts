// Arrow keys move through the examples; the whole gallery is one stop of the tab key.
import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";

interface Roving<E extends HTMLElement> {
  place: RefObject<E | null>;
  tabIndex: (i: number) => number;
  onKeyDown: (event: KeyboardEvent) => void;
  onFocus: (i: number) => void;
}

/** The number of items in the first visual row. */
function columns(items: HTMLElement[]): number {
  const top = items[0]?.offsetTop;
  const next = items.findIndex((item) => item.offsetTop !== top);
  return next < 0 ? items.length : next;
}

export function useRoving<E extends HTMLElement>(length: number): Roving<E> {
  const place = useRef<E>(null);
  const [at, setAt] = useState(0);
  useEffect(() => {
    if (at >= length) setAt(0);
  }, [at, length]);
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...(place.current?.querySelectorAll<HTMLElement>("[data-example]") ?? [])];
    const row = columns(items);
    const moves: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + row,
      ArrowUp: at - row,
      Home: 0,
      End: items.length - 1,
    };
    const next = moves[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items[Math.min(items.length - 1, Math.max(0, next))]?.focus();
  };
  return { place, tabIndex: (i) => (i === at ? 0 : -1), onKeyDown, onFocus: setAt };
}
