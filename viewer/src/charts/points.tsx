// Points of several kinds over two axes, each kind with a colour and a shape of its own.
import type { ComponentChildren } from "preact";
import { isNumber } from "../numbers";
import type { Maybe } from "../schema";
import { clean } from "../text";
import { XAxis, YAxis } from "./axes";
import { Chart } from "./chart";
import { decades } from "./decades";
import type { Frame } from "./lines";
import { linear, type Scale } from "./scale";
import { Whisker } from "./whisker";

export interface Point {
  x: number;
  y: number;
  low?: Maybe<number>;
  high?: Maybe<number>;
  title?: string; // shown when pointed at
}

export interface Kind {
  name: string;
  hue: number;
  points: Point[];
}

export const HUES = 8;

const SHAPES = [
  (r: number) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
  (r: number) => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}Z`,
  (r: number) => `M0 ${-1.25 * r}L${1.2 * r} ${r}H${-1.2 * r}Z`,
  (r: number) => `M0 ${-1.35 * r}L${1.35 * r} 0L0 ${1.35 * r}L${-1.35 * r} 0Z`,
  (r: number) => `M0 ${1.25 * r}L${1.2 * r} ${-r}H${-1.2 * r}Z`,
  (r: number) => `M${-r} ${-r}h${2 * r}l${-2 * r} ${2 * r}h${2 * r}Z`,
];

export function shape(hue: number, size: number): string {
  return (SHAPES[hue % SHAPES.length] as (r: number) => string)(size);
}

/** What the colours and shapes stand for. */
export function Key({ kinds }: { kinds: { name: string; hue: number }[] }) {
  return (
    <p class="legend">
      {kinds.map((k) => (
        <span>
          <svg class="key-shape" width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true"><path class={`hue-${k.hue % HUES}`} d={shape(k.hue, 4)} /></svg>
          <bdi>{clean(k.name)}</bdi>
        </span>
      ))}
    </p>
  );
}

interface Props {
  kinds: Kind[];
  label: string;
  xName: string;
  yName: string;
  x: [number, number];
  y: [number, number];
  log?: { x?: boolean; y?: boolean };
  size?: number;
  height?: number;
  maxWidth?: number;
  under?: (x: Scale, y: Scale, frame: Frame) => ComponentChildren;
}

export function Points({ kinds, label, xName, yName, x: xSpan, y: ySpan, log = {}, size = 3.6, height = 320, maxWidth = 760, under }: Props) {
  return (
    <Chart label={label} height={height} maxWidth={maxWidth}>
      {(width, tall) => {
        const frame = { left: 54, right: width - 14, top: 28, bottom: tall - 44 };
        const across: [number, number] = [frame.left, frame.right];
        const upward: [number, number] = [frame.bottom, frame.top];
        const x = log.x ? decades(xSpan, across, 52) : linear(xSpan, across, width < 460 ? 4 : 7);
        const y = log.y ? decades(ySpan, upward, 30) : linear(ySpan, upward, 5);
        const put = (scale: Scale, value: number) => scale(Math.min(scale.domain[1], Math.max(scale.domain[0], value)));
        return (
          <g>
            <YAxis scale={y} x={frame.left} right={frame.right} top={frame.top} label={yName} />
            <XAxis scale={x} y={frame.bottom} top={frame.top} label={xName} />
            {under?.(x, y, frame)}
            {kinds.map((kind) => (
              <g class={`points hue-${kind.hue % HUES}`}>
                {kind.points.map((p) => (
                  <g>
                    {isNumber(p.low) && isNumber(p.high) && <Whisker at={put(x, p.x)} from={put(y, p.high)} to={put(y, p.low)} vertical cap={2} />}
                    <path class={`hue-${kind.hue % HUES}`} d={shape(kind.hue, size)} transform={`translate(${put(x, p.x).toFixed(1)} ${put(y, p.y).toFixed(1)})`}>
                      {p.title && <title>{clean(p.title)}</title>}
                    </path>
                  </g>
                ))}
              </g>
            ))}
          </g>
        );
      }}
    </Chart>
  );
}
