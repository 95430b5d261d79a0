// One figure along training: lines with their intervals, phases as bands, and a cursor that all figures share.
import type { ComponentChildren } from "preact";
import { positive } from "../charts/decades";
import { ExportButtons, type Table } from "../charts/export";
import { Lines, type Line } from "../charts/lines";
import { extent } from "../charts/scale";
import { isNumber } from "../numbers";
import type { PhaseJson, SeriesLine } from "../schemas/view";
import { clean, short } from "../text";

export interface Drawn {
  name: string;
  class: string;
  lines: SeriesLine[];
}

export interface Band {
  name: string;
  start: number;
  end: number;
}

export function bandsOf(phases: PhaseJson[]): Band[] {
  return phases.flatMap((p) => (isNumber(p.start) && isNumber(p.end) && p.end >= p.start ? [{ name: clean(p.name), start: p.start, end: p.end }] : []));
}

/** The extent of everything drawn; intervals far beyond the values do not stretch it. */
export function spanOf(drawn: Drawn[], log: boolean): { y: [number, number]; log: boolean } {
  const lines = drawn.flatMap((d) => d.lines);
  const values = lines.flatMap((l) => l.y).filter(isNumber);
  const span = positive(values, 1.15);
  if (log && span && values.every((v) => v > 0)) return { y: span, log: true };
  const whole = extent(values, 0) ?? [0, 1];
  const reach = Math.max(whole[1] - whole[0], Math.abs(whole[1]) * 0.05, 1e-12);
  const ends = lines.flatMap((l) => [...(l.low ?? []), ...(l.high ?? [])]).filter((v) => isNumber(v) && v > whole[0] - reach && v < whole[1] + reach);
  return { y: extent([...values, ...ends], 0.06) ?? [0, 1], log: false };
}

function tableOf(drawn: Drawn[], xName: string): Table {
  const rows = drawn.flatMap((d) => d.lines.flatMap((l) => l.x.map((x, i) => [clean(d.name), clean(l.writer), x, l.y[i] ?? null, l.low?.[i] ?? null, l.high?.[i] ?? null])));
  return { header: ["series", "writer", xName, "value", "low", "high"], rows };
}

interface Props {
  id: string;
  name: string;
  drawn: Drawn[];
  phases?: Band[];
  named?: boolean; // the phases' names stand in this figure
  x: [number, number];
  y?: [number, number] | undefined; // a common axis with others
  xName: string;
  log: { x: boolean; y: boolean };
  height?: number;
  at?: number | null;
  onAt?: (x: number | null) => void;
  caption: ComponentChildren;
}

export function SeriesFigure({ id, name, drawn, phases = [], named, x, y, xName, log, height = 210, at, onAt, caption }: Props) {
  const span = spanOf(drawn, log.y);
  const points = drawn.reduce((n, d) => n + d.lines.reduce((m, l) => m + l.x.length, 0), 0);
  const spoken = phases.length ? ` Phases: ${phases.map((p) => `${p.name} from ${p.start} to ${p.end}`).join(", ")}.` : "";
  return (
    <figure id={id} class="series-figure">
      <Lines
        label={`${clean(name)} along ${clean(xName)}, ${points} points drawn: ${drawn.map((d) => clean(d.name)).join(", ")}.${spoken}`}
        xName={xName}
        yName={name}
        x={x}
        y={y ?? span.y}
        log={{ x: log.x, y: span.log }}
        height={height}
        maxWidth={1120}
        lines={drawn.flatMap((d) => d.lines.map((l): Line => ({ class: d.class, points: pointsOf(l, log.x) })))}
        under={(sx, _, f) => {
          const place = (v: number) => Math.min(f.right, Math.max(f.left, sx(Math.min(x[1], Math.max(x[0], v)))));
          return phases.map((p, i) => {
            const [left, right] = [place(p.start), place(p.end)];
            const room = Math.floor((right - left - 6) / 6.6);
            return (
              <g class={`phase phase-${i % 2}`}>
                <title>{`${p.name}: ${p.start} to ${p.end}`}</title>
                <rect x={left} width={Math.max(1, right - left)} y={f.top} height={f.bottom - f.top} />
                {named && room > 3 && <text class="phase-name" x={left + 4} y={f.top + 12}>{short(p.name, room)}</text>}
              </g>
            );
          });
        }}
        over={(sx, _, f) => isNumber(at) && at >= x[0] && at <= x[1] && <line class="cursor" data-unprinted x1={sx(at)} x2={sx(at)} y1={f.top} y2={f.bottom} />}
        {...(onAt ? { onX: onAt } : {})}
      />
      <figcaption>{caption}{log.y && !span.log && " Not logarithmic: some values are not positive."} <ExportButtons of={id} name={name} table={() => tableOf(drawn, xName)} /></figcaption>
    </figure>
  );
}

/** A logarithmic axis begins above 0; what stands at 0 is left out there. */
function pointsOf(line: SeriesLine, logX: boolean): Line["points"] {
  const all = line.x.map((x, i) => ({ x, y: line.y[i] ?? null, low: line.low?.[i] ?? null, high: line.high?.[i] ?? null }));
  return logX ? all.filter((p) => p.x > 0) : all;
}

/** The common axis of several lines; on a logarithmic one from the least positive value. */
export function axisOf(lines: SeriesLine[], logX: boolean): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const line of lines) {
    for (const x of line.x) {
      if (!isNumber(x) || (logX && x <= 0)) continue;
      low = Math.min(low, x);
      high = Math.max(high, x);
    }
  }
  if (low > high) return logX ? [1, 10] : [0, 1];
  return high > low ? [low, high] : [low, low + 1];
}
