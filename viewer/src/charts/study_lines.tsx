// A study's curves: every seed as a thin line, the summary over them thick, published values as marks.
import { useMemo } from "preact/hooks";
import { isNumber, plain } from "../numbers";
import type { LinesFigure, Series } from "../schemas/study";
import { strokes, type Stroke } from "../study/roles";
import { clean, short } from "../text";
import { XAxis, YAxis } from "./axes";
import { Chart } from "./chart";
import { decades, positive } from "./decades";
import type { Frame } from "./lines";
import { memo } from "./memo";
import { Published } from "./published";
import { linear, scoreDomain, type Scale } from "./scale";

const NEAR = 18; // pixels
type Point = [x: number, y: number];

function drawable(one: Series, log: { x: boolean; y: boolean }): (Point | null)[] {
  return one.x.map((x, i) => {
    const y = one.y[i];
    if (!isNumber(x) || !isNumber(y) || (log.x && x <= 0) || (log.y && y <= 0)) return null;
    return [x, y];
  });
}

function path(points: (Point | null)[], x: Scale, y: Scale): string {
  let pen = "M";
  let d = "";
  for (const point of points) {
    if (point) d += `${pen}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`;
    pen = point ? "L" : "M";
  }
  return d;
}

function band(one: Series, x: Scale, y: Scale): string {
  const edges = one.x.flatMap((at, i) => {
    const [low, high] = [one.low?.[i], one.high?.[i]];
    if (!isNumber(at) || !isNumber(low) || !isNumber(high)) return [];
    const cut = (value: number) => y(Math.min(y.domain[1], Math.max(y.domain[0], value))).toFixed(1);
    return [{ x: x(at).toFixed(1), low: cut(low), high: cut(high) }];
  });
  if (edges.length < 2) return "";
  return `M${edges.map((e) => `${e.x} ${e.high}`).join("L")}L${edges.reverse().map((e) => `${e.x} ${e.low}`).join("L")}Z`;
}

interface DrawnProps {
  series: Series[];
  points: (Point | null)[][];
  stroke: Map<Series, Stroke>;
  x: Scale;
  y: Scale;
  size: string;
}

const Drawn = memo(
  ({ series, points, stroke, x, y }: DrawnProps) => {
    const thin = series.filter((s) => s.thin).length;
    const order = series.map((_, i) => i).sort((a, b) => Number(!!series[b]?.thin) - Number(!!series[a]?.thin));
    return (
      <g>
        {order.map((i) => {
          const one = series[i] as Series;
          const area = band(one, x, y);
          return (
            <g class={`role-${one.role}`}>
              {area && <path class="tinted" d={area} />}
              <path
                class={one.thin ? "curve seed" : "curve"}
                d={path(points[i] ?? [], x, y)}
                stroke-dasharray={stroke.get(one)?.dash}
                style={one.thin ? { strokeOpacity: Math.max(0.18, Math.min(0.6, 8 / thin)) } : { strokeWidth: stroke.get(one)?.width }}
              />
              {(points[i] ?? []).filter(Boolean).length === 1 && (points[i] ?? []).map((p) => p && <circle class="spot" cx={x(p[0])} cy={y(p[1])} r={one.thin ? 2.5 : 4} />)}
            </g>
          );
        })}
      </g>
    );
  },
  (before, after) => before.series === after.series && before.size === after.size,
);

interface Props {
  figure: LinesFigure;
  shown: string | null; // the cell whose curves stand out
  onHover: (cell: string | null) => void;
}

export function StudyLines({ figure, shown, onHover }: Props) {
  const log = { x: !!figure.log_x, y: !!figure.log_y };
  const points = useMemo(() => figure.series.map((one) => drawable(one, log)), [figure]);
  const stroke = useMemo(() => strokes(figure.series), [figure]);
  const all = points.flat().filter((p): p is Point => p !== null);
  const marks = (axis: "x" | "y") => figure.marks.filter((m) => m.axis === axis).map((m) => m.value);
  const xs = [...all.map((p) => p[0]), ...marks("x")];
  const ys = [...all.map((p) => p[1]), ...figure.series.flatMap((s) => [...(s.low ?? []), ...(s.high ?? [])]), ...marks("y")];
  const known = xs.filter(isNumber);
  const xSpan = (log.x ? positive(known, 1.02) : known.length ? ([Math.min(...known), Math.max(...known)] as [number, number]) : null) ?? [0, 1];
  const ySpan = (log.y ? positive(ys) : scoreDomain(ys, 0.04)) ?? [0, 1];
  const thick = figure.series.filter((one) => !one.thin);
  const last = (one: Series) => one.y.filter(isNumber).at(-1);
  const told = thick.map((one) => `${clean(one.name)} ends at ${plain(last(one) ?? null)}`).slice(0, 12).join("; ");
  const thin = figure.series.length - thick.length;
  return (
    <>
      {thick.length > 0 && (
        <p class="legend" aria-hidden="true">
          {thick.map((one) => (
            <span class={`role-${one.role}`}><svg class="key" width="26" height="10"><path class="curve" d="M0 5H26" stroke-dasharray={stroke.get(one)?.dash} style={{ strokeWidth: stroke.get(one)?.width }} /></svg>{short(one.name, 60)}</span>
          ))}
        </p>
      )}
      <Chart
        label={`${clean(figure.title)}: ${clean(figure.y_name)} by ${clean(figure.x_name)}, ${thin} thin curves. ${told}.`}
        height={(width) => Math.min(400, Math.max(260, width * 0.46))}
      >
        {(width, height) => {
          const frame: Frame = { left: 56, right: width - 14, top: 28, bottom: height - 46 };
          const x = log.x ? decades(xSpan, [frame.left, frame.right], 52) : linear(xSpan, [frame.left, frame.right], width < 460 ? 4 : 8);
          const y = log.y ? decades(ySpan, [frame.bottom, frame.top], 30) : linear(ySpan, [frame.bottom, frame.top], 5);
          const seek = (event: PointerEvent) => {
            const box = (event.currentTarget as SVGElement).ownerSVGElement?.getBoundingClientRect();
            if (!box) return;
            onHover(nearest(figure.series, points, x, y, event.clientX - box.left, event.clientY - box.top));
          };
          return (
            <g>
              <YAxis scale={y} x={frame.left} right={frame.right} top={frame.top} label={short(figure.y_name, Math.floor(width / 7))} />
              <XAxis scale={x} y={frame.bottom} label={short(figure.x_name, Math.floor(width / 7))} />
              <Drawn series={figure.series} points={points} stroke={stroke} x={x} y={y} size={`${width}x${height}`} />
              <Published marks={figure.marks} x={x} y={y} frame={frame} />
              {shown && figure.series.map((one, i) => one.cell === shown && <path class="curve shown" d={path(points[i] ?? [], x, y)} />)}
              <rect class="catcher" x={frame.left} y={frame.top} width={frame.right - frame.left} height={frame.bottom - frame.top} onPointerMove={seek} onPointerDown={seek} onPointerLeave={() => onHover(null)} />
            </g>
          );
        }}
      </Chart>
    </>
  );
}

/** The cell of the traced curve that passes nearest, if one is near. */
function nearest(series: Series[], points: (Point | null)[][], x: Scale, y: Scale, px: number, py: number): string | null {
  let best: string | null = null;
  let least = NEAR;
  series.forEach((one, i) => {
    if (!one.cell) return;
    let before: Point | null = null;
    for (const point of points[i] ?? []) {
      const here: Point | null = point && [x(point[0]), y(point[1])];
      if (here) {
        const distance = before ? toSegment(before, here, px, py) : Math.hypot(here[0] - px, here[1] - py);
        if (distance < least) [best, least] = [one.cell, distance];
      }
      before = here;
    }
  });
  return best;
}

function toSegment(a: Point, b: Point, px: number, py: number): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const along = Math.min(1, Math.max(0, ((px - a[0]) * dx + (py - a[1]) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(a[0] + along * dx - px, a[1] + along * dy - py);
}
