// A drawing that takes the width of its place, in real pixels, so that text keeps its size on a phone.
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { usePrinting } from "../printing";

const PAPER_WIDTH = 680; // A4 within its margins

export function useWidth(): [RefObject<HTMLDivElement | null>, number] {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(PAPER_WIDTH);
  const printing = usePrinting();
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const read = () => {
      if (element.clientWidth > 0) setWidth(element.clientWidth);
    };
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [place, printing ? PAPER_WIDTH : width];
}

interface Props {
  label: string; // the text alternative: what the figure shows, with its numbers
  height: number | ((width: number) => number);
  maxWidth?: number;
  children: (width: number, height: number) => ComponentChildren;
}

export function Chart({ label, height, maxWidth, children }: Props) {
  const [place, measured] = useWidth();
  const width = Math.max(240, Math.min(measured, maxWidth ?? Infinity));
  const tall = typeof height === "function" ? height(width) : height;
  return (
    <div class="chart" ref={place}>
      <svg role="img" aria-label={label} viewBox={`0 0 ${width} ${tall}`} width={width} height={tall}>
        {children(width, tall)}
      </svg>
    </div>
  );
}
