// The loss over a plane through w*: contours above L(w*), the basin of the cutoff filled.
import { briefly, isNumber } from "../numbers";
import type { Plane as Data } from "../schemas/geometry";
import { XAxis, YAxis } from "./axes";
import { Chart } from "./chart";
import { below, segments } from "./contours";
import { linear } from "./scale";

const STEPS = [2, 4, 8, 16, 32, 64]; // cutoffs above w*, beside the basin's own edge
const FINE = 2; // pixels of the basin's filling

interface Props {
  data: Required<Pick<Data, "a" | "b" | "loss">>;
  start: number;
  cutoff: number;
}

export function Plane({ data, start, cutoff }: Props) {
  const { a, b, loss } = data;
  const [a0, a1, b0, b1] = [a[0] ?? 0, a[a.length - 1] ?? 1, b[0] ?? 0, b[b.length - 1] ?? 1];
  const inside = loss.flat().filter((v) => isNumber(v) && v <= start + cutoff).length;
  const share = inside / Math.max(1, loss.flat().length);
  return (
    <Chart
      label={`Loss over a plane of two random directions through w*: the basin within ${briefly(cutoff)} of the loss at w* takes ${Math.round(share * 100)} % of the square drawn.`}
      height={(width) => Math.min(width, 440) * 0.86 + 30}
      maxWidth={440}
    >
      {(width, height) => {
        const frame = { left: 54, right: width - 14, top: 28, bottom: height - 44 };
        const x = linear([a0, a1], [frame.left, frame.right], 4);
        const y = linear([b0, b1], [frame.bottom, frame.top], 4);
        const path = (level: number) =>
          segments(loss, a, b, level).map(([p, q]) => `M${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}L${x(q[0]).toFixed(1)} ${y(q[1]).toFixed(1)}`).join("");
        const [across, upward] = [Math.round((frame.right - frame.left) / FINE), Math.round((frame.bottom - frame.top) / FINE)];
        return (
          <g>
            <YAxis scale={y} x={frame.left} right={frame.right} top={frame.top} label="second direction" />
            <XAxis scale={x} y={frame.bottom} label="first direction, in lengths of w*" />
            <path class="basin" d={below(loss, start + cutoff, across, upward).map(([row, from, to]) => `M${(frame.left + from * FINE).toFixed(1)} ${(frame.bottom - (row + 0.5) * FINE).toFixed(1)}H${(frame.left + to * FINE).toFixed(1)}`).join("")} stroke-width={FINE} />
            {STEPS.map((k) => <path class="contour" d={path(start + k * cutoff)} />)}
            <path class="contour edge" d={path(start + cutoff)} />
            <path class="cross" d={`M${x(0) - 5} ${y(0)}h10M${x(0)} ${y(0) - 5}v10`} />
          </g>
        );
      }}
    </Chart>
  );
}
