// A grid of numbers as a picture of pixels, in the page's colours; a click or a touch picks a field.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Grid } from "./net";

type Colour = [number, number, number];

export interface Palette {
  paper: Colour;
  rule: Colour;
  rote: Colour;
  chance: Colour;
  ink: Colour;
}

function read(name: string): Colour {
  const written = getComputedStyle(document.documentElement).getPropertyValue(name).trim().replace("#", "");
  // The minifier writes #cc5500 as #c50.
  const hex = written.length === 3 ? written.replace(/./g, "$&$&") : written;
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16) || 0) as Colour;
}

function palette(): Palette {
  return { paper: read("--raised"), rule: read("--rule"), rote: read("--rote"), chance: read("--chance"), ink: read("--ink") };
}

export function mix(from: Colour, to: Colour, share: number): Colour {
  return from.map((v, i) => v + ((to[i] ?? 0) - v) * share) as Colour;
}

/** Blue above 0, orange below, the paper at 0; `most` is the size of the strongest colour. */
export function diverging(most: number) {
  return (value: number, colours: Palette) => mix(colours.paper, value >= 0 ? colours.rule : colours.rote, Math.min(1, Math.abs(value) / (most || 1)));
}

/** From the paper up to blue. */
export function rising(most: number) {
  return (value: number, colours: Palette) => mix(colours.paper, colours.rule, Math.min(1, Math.max(0, value) / (most || 1)));
}

interface Props {
  grid: Grid;
  colour: (value: number, colours: Palette) => Colour;
  label: string;
  column?: number; // outlined
  onPick?: (row: number, column: number) => void;
  onHover?: (field: [row: number, column: number] | null) => void;
  wide?: boolean;
}

export function Picture({ grid, colour, label, column, onPick, onHover, wide = false }: Props) {
  const place = useRef<HTMLCanvasElement>(null);
  const [theme, setTheme] = useState("");
  useEffect(() => {
    const watch = new MutationObserver(() => setTheme(document.documentElement.dataset.theme ?? ""));
    watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    const context = place.current?.getContext("2d");
    if (!context) return;
    const colours = palette();
    const image = context.createImageData(grid.columns, grid.rows);
    for (let i = 0; i < grid.values.length; i++) {
      const [r, g, b] = colour(grid.values[i] ?? 0, colours);
      image.data.set([r, g, b, 255], i * 4);
    }
    context.putImageData(image, 0, 0);
  }, [grid, colour, theme]);
  const field = (event: MouseEvent): [number, number] | null => {
    const box = place.current?.getBoundingClientRect();
    if (!box) return null;
    const row = Math.floor(((event.clientY - box.top) / box.height) * grid.rows);
    const col = Math.floor(((event.clientX - box.left) / box.width) * grid.columns);
    return row >= 0 && row < grid.rows && col >= 0 && col < grid.columns ? [row, col] : null;
  };
  return (
    <div class={`picture ${wide ? "wide-picture" : ""} ${onPick ? "traced" : ""}`} style={wide ? undefined : { aspectRatio: `${grid.columns} / ${grid.rows}` }}>
      <canvas
        ref={place}
        width={grid.columns}
        height={grid.rows}
        role="img"
        aria-label={label}
        onClick={(event) => {
          const found = field(event);
          if (found) onPick?.(...found);
        }}
        onPointerMove={(event) => onHover?.(field(event))}
        onPointerLeave={() => onHover?.(null)}
      />
      {column !== undefined && <span class="picked" style={{ left: `${(100 * column) / grid.columns}%`, width: `${100 / grid.columns}%` }} />}
    </div>
  );
}
