// A rectangle drawn over a plot, with the pointer or by its four numbers.
import { useRef, useState } from "preact/hooks";
import type { Box } from "../selection";
import { clean } from "../text";
import type { Scale } from "./scale";

interface Drag {
  x: number;
  y: number;
}

interface Props {
  x: Scale;
  y: Scale;
  width: number;
  height: number;
  left: number;
  top: number;
  box: Box | null;
  onBox: (box: Box | null) => void;
  onHover: (at: Drag | null) => void;
}

const CLICK = 4; // pixels; a shorter drag is a click, which clears

function between(a: Drag, b: Drag, x: Scale, y: Scale): Box {
  const [x0, x1] = [x.invert(Math.min(a.x, b.x)), x.invert(Math.max(a.x, b.x))];
  const [y0, y1] = [y.invert(Math.max(a.y, b.y)), y.invert(Math.min(a.y, b.y))];
  return { x0, x1, y0, y1 };
}

export function Brush({ x, y, width, height, left, top, box, onBox, onHover }: Props) {
  const start = useRef<Drag | null>(null);
  const [draft, setDraft] = useState<Box | null>(null);
  const place = (event: PointerEvent): Drag => {
    const svg = (event.currentTarget as SVGElement).ownerSVGElement as SVGSVGElement;
    const frame = svg.getBoundingClientRect();
    const zoom = svg.viewBox.baseVal.width / frame.width;
    const inside = (value: number, low: number, span: number) => Math.min(low + span, Math.max(low, value));
    return {
      x: inside((event.clientX - frame.left) * zoom, left, width),
      y: inside((event.clientY - frame.top) * zoom, top, height),
    };
  };
  const shown = draft ?? box;
  return (
    <g class="brush">
      {shown && (
        <rect
          class="brush-box"
          x={x(shown.x0)}
          y={y(shown.y1)}
          width={Math.max(0, x(shown.x1) - x(shown.x0))}
          height={Math.max(0, y(shown.y0) - y(shown.y1))}
        />
      )}
      <rect
        class="brush-field"
        x={left}
        y={top}
        width={width}
        height={height}
        onPointerDown={(event) => {
          start.current = place(event);
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          const now = place(event);
          if (start.current) setDraft(between(start.current, now, x, y));
          else onHover(now);
        }}
        onPointerUp={(event) => {
          const from = start.current;
          const now = place(event);
          start.current = null;
          setDraft(null);
          if (!from) return;
          const moved = Math.max(Math.abs(now.x - from.x), Math.abs(now.y - from.y));
          onBox(moved < CLICK ? null : between(from, now, x, y));
        }}
        onPointerCancel={() => {
          start.current = null;
          setDraft(null);
        }}
        onPointerLeave={() => onHover(null)}
      />
    </g>
  );
}

interface FieldsProps {
  xName: string;
  yName: string;
  full: Box;
  box: Box | null;
  onBox: (box: Box | null) => void;
}

/** The same rectangle by numbers, for the keyboard. */
export function BrushFields({ xName, yName, full, box, onBox }: FieldsProps) {
  const now = box ?? full;
  const field = (key: keyof Box, label: string) => (
    <label>
      {label}{" "}
      <input
        type="number"
        step="any"
        name={key}
        value={Number(now[key].toFixed(3))}
        onChange={(event) => {
          const value = event.currentTarget.valueAsNumber;
          if (Number.isFinite(value)) onBox({ ...now, [key]: value });
        }}
      />
    </label>
  );
  return (
    <div class="brush-fields">
      <fieldset><legend>{clean(xName)}</legend>{field("x0", "from")} {field("x1", "to")}</fieldset>
      <fieldset><legend>{clean(yName)}</legend>{field("y0", "from")} {field("y1", "to")}</fieldset>
    </div>
  );
}
