// Memorization against what the model says of an example it has not seen; a brush picks examples for the gallery.
import { useState } from "preact/hooks";
import { count, plain } from "../numbers";
import type { Scatter as ScatterData, ScatterPoint } from "../schema";
import { inBox, type Box } from "../selection";
import { clean, short } from "../text";
import { XAxis, YAxis } from "./axes";
import { Brush } from "./brush";
import { Chart } from "./chart";
import { extent, linear, scoreDomain, type Scale } from "./scale";
import { ScatterMarks } from "./scatter_marks";

const FLAG_NAMES = ["no flag", "probably wrong", "memorized", "memorized and probably wrong"];
const NEAR = 14; // pixels

type Drawn = ScatterPoint & [number, number, ...unknown[]];

export function drawable(points: ScatterPoint[]): ScatterPoint[] {
  return points.filter((p) => typeof p[0] === "number" && typeof p[1] === "number");
}

export function fullBox(points: ScatterPoint[]): Box {
  const x = extent(points.map((p) => p[0]), 0) ?? [0, 1];
  const y = extent(points.map((p) => p[1]), 0) ?? [0, 1];
  return { x0: x[0], x1: x[1], y0: y[0], y1: y[1] };
}

function nearest(points: ScatterPoint[], x: Scale, y: Scale, at: { x: number; y: number }): ScatterPoint | null {
  let best: ScatterPoint | null = null;
  let least = NEAR * NEAR;
  for (const point of points as Drawn[]) {
    const distance = (x(point[0]) - at.x) ** 2 + (y(point[1]) - at.y) ** 2;
    if (distance < least) [best, least] = [point, distance];
  }
  return best;
}

interface Props {
  data: ScatterData;
  box: Box | null;
  onBox: (box: Box | null) => void;
  ringed: string | null; // the id the gallery points at
}

export function Scatter({ data, box, onBox, ringed }: Props) {
  const [hovered, setHovered] = useState<ScatterPoint | null>(null);
  const points = drawable(data.points);
  const xDomain = scoreDomain(points.map((p) => p[0]), 0.02) ?? [0, 1];
  const yDomain = extent(points.map((p) => p[1]), 0.05) ?? [0, 1];
  const flagged = [1, 2, 3].map((flag) => `${count(points.filter((p) => (p[2] ?? 0) === flag).length)} ${FLAG_NAMES[flag]}`);
  const label = `Scatter of ${count(points.length)} examples: ${clean(data.x_name)} across, ${clean(data.y_name)} upwards; ${flagged.join(", ")}.`;
  const within = box && points.filter((p) => inBox(box, p)).length;
  return (
    <>
      <p class="legend" aria-hidden="true">
        <span><i class="key-dot none" /> no flag</span>
        <span><i class="key-dot memorized" /> memorized</span>
        <span><i class="key-cross wrong" /> probably wrong</span>
        <span><i class="key-cross both" /> both</span>
      </p>
      <Chart label={label} height={(width) => Math.min(440, Math.max(300, width * 0.5))}>
        {(width, height) => {
          const frame = { left: 52, right: width - 14, top: 30, bottom: height - 46 };
          const x = linear(xDomain, [frame.left, frame.right], width < 500 ? 4 : 8);
          const y = linear(yDomain, [frame.bottom, frame.top], 5);
          const ring = (hovered ?? points.find((p) => ringed !== null && String(p[3]) === ringed)) as Drawn | null | undefined;
          return (
            <g>
              <YAxis scale={y} x={frame.left} right={frame.right} top={frame.top} label={short(data.y_name, 60)} />
              <XAxis scale={x} y={frame.bottom} top={frame.top} label={short(data.x_name, Math.floor(width / 8))} />
              <ScatterMarks points={points} x={x} y={y} size={`${width}x${height}`} />
              {ring && <circle class="ring" cx={x(ring[0])} cy={y(ring[1])} r={7} />}
              <Brush
                x={x}
                y={y}
                left={frame.left}
                top={frame.top}
                width={frame.right - frame.left}
                height={frame.bottom - frame.top}
                box={box}
                onBox={onBox}
                onHover={(at) => setHovered(at && nearest(points, x, y, at))}
              />
            </g>
          );
        }}
      </Chart>
      <p class="readout">
        {hovered ? (
          <>example {short(hovered[3], 40)}: {plain(hovered[0])} across, {plain(hovered[1])} up, {FLAG_NAMES[hovered[2] ?? 0]}</>
        ) : box ? (
          <>{count(within)} of {count(points.length)} examples are inside the rectangle.</>
        ) : (
          <span class="screen-only">Draw a rectangle to filter the gallery below.</span>
        )}
      </p>
    </>
  );
}
