// Upper bounds on one axis of risk, a row a family: what is certified, what was seen, the shuffled-label control.
import { isNumber, isOk } from "../numbers";
import type { Maybe } from "../schema";
import type { Bound, BoundRow } from "../schemas/certify";
import { clean, short } from "../text";
import { XAxis } from "./axes";
import { Chart } from "./chart";
import { linear, type Scale } from "./scale";
import { Whisker } from "./whisker";

export type Sure = Bound & { value: number };

export function isSure(bound: Maybe<Bound>): bound is Sure {
  return !!bound && isNumber(bound.value) && (!bound.status || bound.status === "ok");
}

/** A bound is printed rounded up: what is printed still holds. */
export function bounded(bound: Maybe<Bound>): string {
  if (!isSure(bound)) return "withheld";
  const step = bound.value < 0.1 ? 1e4 : 1e3;
  return (Math.ceil(bound.value * step - 1e-9) / step).toFixed(step === 1e4 ? 4 : 3);
}

function written(row: BoundRow): string {
  const { certificate: c } = row;
  if (!isSure(c)) return `— ${short(c.status || "no value given", 30)}`;
  return `≤ ${bounded(c)}${c.vacuous ? ", vacuous" : ""}`;
}

function spokenRow(row: BoundRow): string {
  const beside = isSure(row.control) ? `, with shuffled labels ${bounded(row.control)}` : "";
  return `${clean(row.family)} ${isSure(row.certificate) ? `at most ${bounded(row.certificate)}${row.certificate.vacuous ? " (vacuous)" : ""}` : `withheld: ${clean(row.certificate.status)}`}${beside}`;
}

function Marks({ row, x, y }: { row: BoundRow; x: Scale; y: number }) {
  const { certificate: c, control, observed } = row;
  const cut = (value: number) => x(Math.min(x.domain[1], Math.max(x.domain[0], value)));
  const bar = isOk(observed) ? y + 6 : y; // what was seen stands above what is certified
  return (
    <g>
      {isSure(control) && (
        <g class="dot-control">
          <circle cx={cut(control.value)} cy={y} r={4.5} />
        </g>
      )}
      {isSure(c) && (
        <g class={c.vacuous ? "bound vacuous" : "bound"}>
          <line class="certified" x1={x(x.domain[0])} x2={cut(c.value)} y1={bar} y2={bar} />
          <line class="certified end" x1={cut(c.value)} x2={cut(c.value)} y1={bar - 8} y2={bar + 8} />
        </g>
      )}
      {isOk(observed) && (
        <g class="dot-model seen">
          {isNumber(observed.low) && isNumber(observed.high) && <Whisker at={y - 7} from={cut(observed.low)} to={cut(observed.high)} cap={3} halo />}
          <circle cx={cut(observed.value)} cy={y - 7} r={4.5} />
        </g>
      )}
    </g>
  );
}

interface Props {
  rows: BoundRow[];
  chance: Maybe<number>;
  axis: string;
}

export function BoundRows({ rows, chance, axis }: Props) {
  const held = rows.find((row) => row.family === "hold-out" && isSure(row.certificate))?.certificate as Sure | undefined;
  const values = rows.flatMap((r) => [r.certificate.value, r.control?.value, r.observed?.high]).filter(isNumber);
  const most = Math.max(1, ...values.filter((v) => v < 1.5)); // a bound of 40 is off the axis, and vacuous
  const step = (width: number) => (width < 620 ? 50 : 36);
  return (
    <Chart label={`Upper bounds on the ${axis}: ${rows.map(spokenRow).join("; ")}.`} height={(width) => rows.length * step(width) + 78}>
      {(width) => {
        const narrow = width < 620;
        const row = step(width);
        const x = linear([0, most], narrow ? [8, width - 8] : [178, width - 142], narrow ? 4 : 6);
        const top = 24;
        const bottom = top + rows.length * row + 6;
        const middle = (i: number) => top + i * row + (narrow ? 36 : row / 2);
        const chanceEnd = isNumber(chance) && x(chance) > width * 0.55;
        const strips: [number, number][] = narrow ? rows.map((_, i) => [middle(i) - 11, 22]) : [[top, bottom - top]];
        return (
          <g>
            <XAxis scale={x} y={bottom} label={axis} />
            {held && <text class="quiet-text" x={x(held.value)} y={12} text-anchor={x(held.value) < 60 ? "start" : "middle"}>hold-out</text>}
            {isNumber(chance) && <text class="quiet-text" x={x(chance)} y={12} text-anchor={chanceEnd ? "end" : "middle"}>constant guess</text>}
            {strips.map(([from, tall]) => (
              <g>
                {!narrow && x.ticks.map((t) => <line class="grid" x1={x(t)} x2={x(t)} y1={from} y2={from + tall} />)}
                {narrow && <line class="grid" x1={x(0)} x2={x(most)} y1={from + tall / 2} y2={from + tall / 2} />}
                {held && <line class="now" x1={x(held.value)} x2={x(held.value)} y1={from} y2={from + tall} />}
                {isNumber(chance) && <line class="zero" x1={x(chance)} x2={x(chance)} y1={from} y2={from + tall} />}
              </g>
            ))}
            {rows.map((r, i) => (
              <g>
                <text class={`row-name ${r.family === "hold-out" ? "tone-model" : ""}`} x={0} y={narrow ? middle(i) - 20 : middle(i)} dy="0.35em">
                  <title>{clean(r.family)}</title>
                  {short(r.family, narrow ? 24 : 23)}
                </text>
                <Marks row={r} x={x} y={middle(i)} />
                <text class={`tabular ${isSure(r.certificate) && !r.certificate.vacuous ? "number" : "quiet-text"}`} x={width - 2} y={narrow ? middle(i) - 20 : middle(i)} dy="0.35em" text-anchor="end">
                  <title>{clean(r.certificate.status)}</title>
                  {isSure(r.certificate) || narrow ? written(r) : "— withheld"}
                </text>
              </g>
            ))}
          </g>
        );
      }}
    </Chart>
  );
}
