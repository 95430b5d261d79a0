// Lines over a common axis, each with its band where it has one; a gap where there is no value.
import type { ComponentChildren } from "preact";
import { isNumber } from "../numbers";
import type { Maybe } from "../schema";
import { short } from "../text";
import { XAxis, YAxis } from "./axes";
import { Chart } from "./chart";
import { decades } from "./decades";
import { linear, type Scale } from "./scale";

export interface LinePoint {
  x: number;
  y: Maybe<number>;
  low?: Maybe<number>;
  high?: Maybe<number>;
}

export interface Line {
  points: LinePoint[];
  class: string;
}

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

interface Props {
  lines: Line[];
  label: string;
  xName: string;
  yName: string;
  x: [number, number];
  y: [number, number];
  log?: { x?: boolean; y?: boolean };
  height?: number;
  maxWidth?: number;
  under?: (x: Scale, y: Scale, frame: Frame) => ComponentChildren; // drawn below the lines
  over?: (x: Scale, y: Scale, frame: Frame) => ComponentChildren;
  onX?: (x: number | null) => void; // where the pointer is
}

const LEFT = 54;

/** Coordinates inside the frame: what lies beyond it runs along its edge. */
function placed(scale: Scale, value: number): string {
  const [low, high] = scale.domain;
  return scale(Math.min(high, Math.max(low, value))).toFixed(1);
}

function path(points: LinePoint[], x: Scale, y: Scale): string {
  let pen = "M";
  return points
    .map((p) => {
      if (!isNumber(p.y)) {
        pen = "M";
        return "";
      }
      const at = `${pen}${placed(x, p.x)} ${placed(y, p.y)}`;
      pen = "L";
      return at;
    })
    .join("");
}

function bands(points: LinePoint[], x: Scale, y: Scale): string {
  const runs: LinePoint[][] = [[]];
  for (const p of points) {
    if (isNumber(p.low) && isNumber(p.high)) runs[runs.length - 1]?.push(p);
    else if (runs[runs.length - 1]?.length) runs.push([]);
  }
  return runs
    .filter((run) => run.length > 1)
    .map((run) => {
      const upper = run.map((p) => `${placed(x, p.x)} ${placed(y, p.high as number)}`);
      const lower = run.map((p) => `${placed(x, p.x)} ${placed(y, p.low as number)}`).reverse();
      return `M${upper.join("L")}L${lower.join("L")}Z`;
    })
    .join("");
}

/** Points without a neighbour on either side: no line leads to them. */
function lonely(points: LinePoint[]): (LinePoint & { y: number })[] {
  return points.filter((p, i): p is LinePoint & { y: number } => isNumber(p.y) && !isNumber(points[i - 1]?.y) && !isNumber(points[i + 1]?.y));
}

export function Lines({ lines, label, xName, yName, x: xSpan, y: ySpan, log = {}, height = 260, maxWidth = 760, under, over, onX }: Props) {
  return (
    <Chart label={label} height={height} maxWidth={maxWidth}>
      {(width, tall) => {
        const frame = { left: LEFT, right: width - 14, top: 28, bottom: tall - 44 };
        const across: [number, number] = [frame.left, frame.right];
        const x = log.x ? decades(xSpan, across, 52) : linear(xSpan, across, width < 460 ? 4 : 7);
        const upward: [number, number] = [frame.bottom, frame.top];
        const y = log.y ? decades(ySpan, upward, 30) : linear(ySpan, upward, 5);
        return (
          <g>
            <YAxis scale={y} x={frame.left} right={frame.right} top={frame.top} label={short(yName, Math.floor(width / 7))} />
            <XAxis scale={x} y={frame.bottom} label={short(xName, Math.floor(width / 7))} />
            {under?.(x, y, frame)}
            {lines.map((line) => {
              const area = bands(line.points, x, y);
              return (
                <g>
                  {area && <path class={`band ${line.class}`} d={area} />}
                  <path class={`curve ${line.class}`} d={path(line.points, x, y)} />
                  {lonely(line.points).map((p) => (
                    <>
                      {isNumber(p.low) && isNumber(p.high) && <path class={`curve ${line.class}`} d={`M${placed(x, p.x)} ${placed(y, p.low)}V${placed(y, p.high)}`} />}
                      <circle class={`spot ${line.class}`} cx={x(p.x)} cy={y(p.y)} r={3.5} />
                    </>
                  ))}
                </g>
              );
            })}
            {over?.(x, y, frame)}
            {onX && (
              <rect
                class="pointer-field"
                x={frame.left}
                y={frame.top}
                width={Math.max(0, frame.right - frame.left)}
                height={Math.max(0, frame.bottom - frame.top)}
                onPointerMove={(event) => {
                  const svg = event.currentTarget.ownerSVGElement as SVGSVGElement;
                  const place = svg.getBoundingClientRect();
                  onX(x.invert(((event.clientX - place.left) * width) / place.width));
                }}
                onPointerLeave={() => onX(null)}
              />
            )}
          </g>
        );
      }}
    </Chart>
  );
}
