// The hold-out value with its interval, and what is guaranteed, on one axis.
import { guaranteed, isNumber, isOk, percentLevel, spoken } from "../numbers";
import type { Certificate as Data } from "../schema";
import { clean, short } from "../text";
import { XAxis } from "./axes";
import { Chart } from "./chart";
import { linear, scoreDomain } from "./scale";
import { Whisker } from "./whisker";

/** Whether the certificate bounds from above (a risk) or from below (an accuracy); null where that cannot be told. */
export function boundsAbove(data: Data): boolean | null {
  if (!isNumber(data.value) || !isOk(data.hold_out)) return null;
  return data.value >= data.hold_out.value;
}

/** A label stands over its mark, and keeps inside the drawing near an edge. */
function anchor(x: number, width: number): "start" | "middle" | "end" {
  return x > width * 0.6 ? "end" : x < width * 0.3 ? "start" : "middle";
}

export function Certificate({ data }: { data: Data & { value: number } }) {
  const held = isOk(data.hold_out) ? data.hold_out : null;
  const above = boundsAbove(data);
  const values = [data.value, held?.value, held?.low, held?.high];
  const domain = scoreDomain([...values, above === false ? 1 : 0], 0.08) ?? [0, 1];
  const sign = above === null ? "" : above ? "at most " : "at least ";
  const sure = isNumber(data.delta) ? `, with probability ${percentLevel(1 - data.delta)}` : "";
  const label = `${clean(data.quantity)}: hold-out ${spoken(data.hold_out)}; certified ${sign}${guaranteed(data.value, above !== false)}${sure}.`;
  return (
    <Chart label={label} height={150} maxWidth={760}>
      {(width) => {
        const x = linear(domain, [8, width - 12], width < 500 ? 4 : 8);
        const edge = x(data.value);
        const start = x(above === false ? domain[1] : domain[0]); // the side that is allowed
        const heldAt = held ? x(held.value) : 0;
        return (
          <g>
            <XAxis scale={x} y={104} top={0} label={short(data.quantity, Math.floor(width / 7))} />
            {held && (
              <g class="dot-model">
                <text x={heldAt} y={14} text-anchor={anchor(heldAt, width)}>
                  hold-out {spoken(held)}
                </text>
                {isNumber(held.low) && isNumber(held.high) && <Whisker at={32} from={x(held.low)} to={x(held.high)} />}
                <circle cx={heldAt} cy={32} r={5} />
              </g>
            )}
            {above !== null && <line class="certified" x1={start} x2={edge} y1={84} y2={84} />}
            <line class="certified end" x1={edge} x2={edge} y1={75} y2={93} />
            <text x={edge} y={68} text-anchor={anchor(edge, width)}>
              certified {sign}{guaranteed(data.value, above !== false)}
            </text>
          </g>
        );
      }}
    </Chart>
  );
}
