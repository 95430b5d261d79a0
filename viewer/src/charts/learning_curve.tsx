// Score against the number of training examples; what was not measured is dashed.
import { count, isNumber, isOk, spoken } from "../numbers";
import type { CurvePoint, LearningCurve as Data } from "../schema";
import { clean, short } from "../text";
import { XAxis, YAxis } from "./axes";
import { Chart } from "./chart";
import { logarithmic, linear, scoreDomain, type Scale } from "./scale";
import { Whisker } from "./whisker";

type Known = CurvePoint & { value: number };

function line(points: Known[], x: Scale, y: Scale): string {
  return points.map((p, i) => `${i ? "L" : "M"}${x(p.n).toFixed(1)} ${y(p.value).toFixed(1)}`).join("");
}

function band(points: Known[], x: Scale, y: Scale): string {
  const edges = points.filter((p) => isNumber(p.low) && isNumber(p.high));
  if (edges.length < 2) return "";
  const upper = edges.map((p) => `${x(p.n).toFixed(1)} ${y(p.high as number).toFixed(1)}`);
  const lower = edges.map((p) => `${x(p.n).toFixed(1)} ${y(p.low as number).toFixed(1)}`).reverse();
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

/** Ticks far enough apart to be read. */
function spaced(scale: Scale, least: number): number[] {
  const kept: number[] = [];
  let last = -Infinity;
  for (const tick of scale.ticks) {
    if (scale(tick) - last < least) continue;
    kept.push(tick);
    last = scale(tick);
  }
  return kept;
}

export function LearningCurve({ data, now }: { data: Data; now: number | null }) {
  const measured = (data.points ?? []).filter((p) => isNumber(p.n) && p.n > 0 && isOk(p.score));
  const curve = (data.curve ?? []).filter((p): p is Known => isNumber(p.value) && isNumber(p.n) && p.n > 0);
  const firstBeyond = curve.findIndex((p) => p.extrapolated);
  const known = firstBeyond < 0 ? curve : curve.slice(0, firstBeyond);
  const beyond = firstBeyond < 0 ? [] : curve.slice(Math.max(0, firstBeyond - 1));
  const sizes = [...measured, ...curve].map((p) => p.n);
  if (now) sizes.push(now);
  const scores = [
    ...measured.flatMap((p) => [p.score?.value, p.score?.low, p.score?.high]),
    ...curve.flatMap((p) => [p.value, p.low, p.high]),
  ];
  const span: [number, number] = [Math.min(...sizes) * 0.93, Math.max(...sizes) * 1.05];
  const said = measured.map((p) => `${count(p.n)}: ${spoken(p.score)}`).join("; ");
  return (
    <Chart
      label={`Learning curve, ${clean(data.y_name)} by ${clean(data.x_name)}: ${said}. ${clean(data.sentence)}`}
      height={(width) => Math.min(340, Math.max(260, width * 0.45))}
      maxWidth={760}
    >
      {(width, height) => {
        const frame = { left: 52, right: width - 16, top: 30, bottom: height - 46 };
        const x = logarithmic(span, [frame.left, frame.right]);
        const y = linear(scoreDomain(scores, 0.1) ?? [0, 1], [frame.bottom, frame.top], 5);
        const solid = band(known, x, y);
        const faint = band(beyond, x, y);
        return (
          <g>
            <YAxis scale={y} x={frame.left} right={frame.right} top={frame.top} label={short(data.y_name, 60)} />
            <XAxis scale={x} y={frame.bottom} ticks={spaced(x, 52)} label={short(data.x_name, 60)} />
            {now && (
              <g>
                <line class="now" x1={x(now)} x2={x(now)} y1={frame.top} y2={frame.bottom} />
                <text class="quiet-text" x={x(now) + (x(now) < frame.left + 40 ? 5 : -5)} y={frame.bottom - 7} text-anchor={x(now) < frame.left + 40 ? "start" : "end"}>now</text>
              </g>
            )}
            {solid && <path class="band" d={solid} />}
            {faint && <path class="band faint" d={faint} />}
            {known.length > 1 && <path class="curve" d={line(known, x, y)} />}
            {beyond.length > 1 && <path class="curve dashed" d={line(beyond, x, y)} />}
            {measured.map((p) => (
              <g class="dot-model">
                {isNumber(p.score?.low) && isNumber(p.score?.high) && <Whisker at={x(p.n)} from={y(p.score.high)} to={y(p.score.low)} vertical />}
                <circle cx={x(p.n)} cy={y(p.score?.value as number)} r={4.5} />
              </g>
            ))}
          </g>
        );
      }}
    </Chart>
  );
}
