// A study's values with their intervals, one a line, published values as marks.
import { isNumber, plain, spoken, write } from "../numbers";
import type { DotRow, DotsFigure } from "../schemas/study";
import { isExact } from "../study/number";
import { clean, short } from "../text";
import { XAxis } from "./axes";
import { Chart } from "./chart";
import { decades, positive } from "./decades";
import { Published } from "./published";
import { linear, scoreDomain, type Scale } from "./scale";
import { Whisker } from "./whisker";

interface Props {
  figure: DotsFigure;
  shown: string | null;
  onHover: (cell: string | null) => void;
  onChoose: (cell: string | null) => void;
}

/** The value and its interval as text. */
function written(row: DotRow): { value: string; interval: string } {
  if (!isNumber(row.value)) return { value: "— no value", interval: "" };
  return isExact(row) ? { value: plain(row.value), interval: "" } : write({ ...row, value: row.value });
}

function Value({ row, x, y }: { row: DotRow; x: number; y: number }) {
  if (!isNumber(row.value)) return <text class="quiet-text" x={x} y={y} dy="0.35em" text-anchor="end">— no value</text>;
  const { value, interval } = written(row);
  return (
    <text class="tabular" x={x} y={y} dy="0.35em" text-anchor="end">
      <tspan class="number">{value}</tspan>
      {interval && <tspan class="interval"> ({interval})</tspan>}
    </text>
  );
}

function Dot({ row, x, y }: { row: DotRow; x: Scale; y: number }) {
  if (!isNumber(row.value)) return null;
  const [left, right] = x.domain;
  const cut = (value: number) => x(Math.min(right, Math.max(left, value)));
  return (
    <>
      {isNumber(row.low) && isNumber(row.high) && <Whisker at={y} from={cut(row.low)} to={cut(row.high)} />}
      <circle cx={cut(row.value)} cy={y} r={4.5} />
    </>
  );
}

export function StudyDots({ figure, shown, onHover, onChoose }: Props) {
  const { rows } = figure;
  const values = [...rows.flatMap((r) => [r.value, r.low, r.high]), ...figure.marks.map((m) => m.value)];
  const domain = (figure.log_x ? positive(values) : scoreDomain(values)) ?? [0, 1];
  // Narrow: names and values above their line; values on a line of their own where they would run into a name.
  const both = Math.max(...rows.map((r) => clean(r.name).length * 7.4 + (written(r).value.length + written(r).interval.length) * 7 + 30), 0);
  const above = (width: number) => (width >= 560 ? 0 : both > width ? 31 : 15);
  const step = (width: number) => 27 + (above(width) ? above(width) - 2 : 0);
  const top = 15 * figure.marks.filter((m) => m.axis === "x").length;
  const longest = Math.max(...rows.map((r) => clean(r.name).length), 4);
  return (
    <Chart
      label={`${clean(figure.title)}, ${clean(figure.x_name)}: ${rows.map((r) => `${clean(r.name)} ${spoken(r)}`).join("; ")}.${figure.marks.map((m) => ` ${clean(m.label)}: ${plain(m.value)}.`).join("")}`}
      height={(width) => rows.length * step(width) + 48 + top}
    >
      {(width) => {
        const narrow = width < 560;
        const tall = step(width);
        const room = Math.min(Math.floor(width * 0.34), longest * 7.4 + 14);
        const span: [number, number] = narrow ? [8, width - 8] : [room, width - 184];
        const x = figure.log_x ? decades(domain, span, 52) : linear(domain, span, narrow ? 4 : 6);
        const bottom = top + rows.length * tall + 6;
        const middle = (i: number) => top + i * tall + (narrow ? tall - 11 : tall / 2);
        const zero = !figure.log_x && domain[0] < 0 && domain[1] > 0;
        return (
          <g onPointerLeave={() => onHover(null)}>
            <XAxis scale={x} y={bottom} {...(narrow ? {} : { top })} label={short(figure.x_name, Math.floor(width / 7))} />
            {zero && <line class="zero" x1={x(0)} x2={x(0)} y1={top} y2={bottom} />}
            <Published marks={figure.marks} x={x} frame={{ left: span[0], right: span[1], top: 0, bottom }} />
            {rows.map((r, i) => (
              <g
                class={`role-${r.role} ${r.cell ? "traced" : ""} ${r.cell && r.cell === shown ? "shown" : ""}`}
                onPointerEnter={() => onHover(r.cell ?? null)}
                onClick={() => r.cell && onChoose(r.cell)}
              >
                <rect class="catcher" x={0} y={top + i * tall} width={width} height={tall} />
                <text class="row-name" x={0} y={middle(i) - above(width)} dy="0.35em">
                  <title>{clean(r.name)}</title>
                  {short(r.name, narrow ? Math.floor((above(width) > 15 ? width : width - 130) / 7.4) : Math.floor((room - 8) / 7.2))}
                </text>
                <Dot row={r} x={x} y={middle(i)} />
                <Value row={r} x={width - 2} y={narrow ? middle(i) - 15 : middle(i)} />
              </g>
            ))}
          </g>
        );
      }}
    </Chart>
  );
}
