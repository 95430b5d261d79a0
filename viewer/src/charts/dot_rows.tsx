// One dot with its interval a row: a name, a mark, and the number written beside it.
import { isNumber, isOk, spoken, whyNot, write } from "../numbers";
import type { Estimate, Maybe } from "../schema";
import { clean, short } from "../text";
import { XAxis } from "./axes";
import { Chart } from "./chart";
import { linear, scoreDomain, type Scale } from "./scale";
import { Whisker } from "./whisker";

export interface DotRow {
  name: string;
  e: Maybe<Estimate>;
  tone: "model" | "control";
  silent?: string; // written instead of a number where there is nothing to measure
}

interface Props {
  rows: DotRow[];
  label: string; // text alternative, before the numbers
  axis: string;
  compact?: boolean; // in half a page: names and numbers above the marks
  zero?: boolean; // keep 0 in the domain and draw it
  reference?: Maybe<Estimate>; // a vertical line with its interval as a band
}

function Mark({ row, x, y }: { row: DotRow; x: Scale; y: number }) {
  const e = row.e;
  if (!isOk(e)) return null;
  const [left, right] = x.domain;
  const cut = (value: number) => x(Math.min(right, Math.max(left, value)));
  return (
    <g class={`dot-${row.tone}`}>
      {isNumber(e.low) && isNumber(e.high) && <Whisker at={y} from={cut(e.low)} to={cut(e.high)} />}
      <circle cx={cut(e.value)} cy={y} r={row.tone === "model" ? 5.5 : 4.5} />
    </g>
  );
}

/** The number and its interval, right-aligned at x. */
function Numbers({ row, x, y }: { row: DotRow; x: number; y: number }) {
  if (row.silent) return <text class="quiet-text" x={x} y={y} dy="0.35em" text-anchor="end">{row.silent}</text>;
  if (!isOk(row.e)) return <text class="quiet-text" x={x} y={y} dy="0.35em" text-anchor="end"><title>{clean(whyNot(row.e))}</title>— {short(whyNot(row.e), 24)}</text>;
  const { value, interval } = write(row.e);
  return (
    <text class="tabular" x={x} y={y} dy="0.35em" text-anchor="end">
      <tspan class="number">{value}</tspan>
      <tspan class="interval"> {interval ? `(${interval})` : "no interval"}</tspan>
    </text>
  );
}

export function DotRows({ rows, label, axis, compact = false, zero = false, reference }: Props) {
  const values = rows.flatMap((r) => (isOk(r.e) ? [r.e.value, r.e.low, r.e.high] : []));
  const domain = scoreDomain(zero ? [...values, 0] : values) ?? [0, 1];
  const said = rows.filter((r) => !r.silent).map((r) => `${clean(r.name)} ${spoken(r.e)}`);
  const stacked = (width: number) => compact || width < 560;
  const step = (width: number) => (stacked(width) ? 42 : 30);
  return (
    <Chart label={`${label}: ${said.join("; ")}.`} height={(width) => rows.length * step(width) + 48}>
      {(width) => {
        const narrow = stacked(width);
        const row = step(width);
        const x = linear(domain, narrow ? [8, width - 8] : [196, width - 196], narrow ? 4 : 6);
        const bottom = rows.length * row + 6;
        const middle = (i: number) => i * row + (narrow ? 31 : row / 2);
        // On a phone names and numbers stand above the marks, so lines and band keep to each row's own strip.
        const strips: [number, number][] = narrow ? rows.map((_, i) => [middle(i) - 7, 14]) : [[0, bottom]];
        const band = isOk(reference) && isNumber(reference.low) && isNumber(reference.high) && {
          from: x(Math.max(domain[0], reference.low)),
          to: x(Math.min(domain[1], reference.high)),
        };
        return (
          <g>
            <XAxis scale={x} y={bottom} label={axis} />
            {strips.map(([top, tall]) => (
              <g>
                {narrow ? (
                  <line class="grid" x1={x(domain[0])} x2={x(domain[1])} y1={top + tall / 2} y2={top + tall / 2} />
                ) : (
                  x.ticks.map((t) => <line class="grid" x1={x(t)} x2={x(t)} y1={top} y2={top + tall} />)
                )}
                {band && <rect class="reference-band" x={band.from} y={top} width={Math.max(1, band.to - band.from)} height={tall} />}
                {zero && <line class="zero" x1={x(0)} x2={x(0)} y1={top} y2={top + tall} />}
              </g>
            ))}
            {rows.map((r, i) => (
              <g>
                <text class={`row-name tone-${r.tone}`} x={0} y={narrow ? middle(i) - 16 : middle(i)} dy="0.35em">
                  <title>{clean(r.name)}</title>
                  {short(r.name, narrow ? 22 : 25)}
                </text>
                <Mark row={r} x={x} y={middle(i)} />
                <Numbers row={r} x={width - (narrow ? 2 : 4)} y={narrow ? middle(i) - 16 : middle(i)} />
              </g>
            ))}
          </g>
        );
      }}
    </Chart>
  );
}
