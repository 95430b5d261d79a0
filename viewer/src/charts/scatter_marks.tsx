// All points as a few paths: colour says memorized, a cross says probably wrong.
import { memo } from "./memo";
import type { ScatterPoint } from "../schema";
import type { Scale } from "./scale";

const KINDS = ["none", "wrong", "memorized", "both"] as const;

interface Props {
  points: ScatterPoint[];
  x: Scale;
  y: Scale;
  size: string; // changes whenever the scales do
}

function path(points: ScatterPoint[], flag: number, x: Scale, y: Scale): string {
  let d = "";
  for (const [px, py, kind] of points) {
    if ((kind ?? 0) !== flag || typeof px !== "number" || typeof py !== "number") continue;
    const left = x(px).toFixed(1);
    const top = y(py).toFixed(1);
    // A cross for the wrong ones; a line of no length with round ends is a dot.
    d += flag % 2 ? `M${left} ${top}m-3 -3l6 6m0 -6l-6 6` : `M${left} ${top}h0`;
  }
  return d;
}

export const ScatterMarks = memo(
  ({ points, x, y }: Props) => (
    <g class="marks">
      {KINDS.map((kind, flag) => <path class={`mark-${kind}`} d={path(points, flag, x, y)} />)}
    </g>
  ),
  (before, after) => before.points === after.points && before.size === after.size,
);
