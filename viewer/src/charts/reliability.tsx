// Stated confidence against observed frequency, with the histogram of confidence on the same axis.
import { count, isNumber, isOk, plain, spoken } from "../numbers";
import type { Estimate, Reliability as Data } from "../schema";
import { XAxis, YAxis } from "./axes";
import { Chart } from "./chart";
import { linear } from "./scale";
import { Whisker } from "./whisker";

interface Bin {
  confidence: number;
  accuracy: Estimate & { value: number };
}

export function drawableBins(data: Data): Bin[] {
  return (data.bins ?? []).filter((b): b is Bin => isNumber(b.confidence) && isOk(b.accuracy)).sort((a, b) => a.confidence - b.confidence);
}

const HISTOGRAM = 64;

export function Reliability({ data }: { data: Data }) {
  const bins = drawableBins(data);
  const most = Math.max(1, ...bins.map((b) => b.accuracy.n ?? 0));
  const said = bins.map((b) => `at ${plain(b.confidence)} right ${spoken(b.accuracy)}, n ${count(b.accuracy.n)}`).join("; ");
  return (
    <Chart label={`Reliability: ${said}.`} height={(width) => Math.min(width, 460) * 0.78 + HISTOGRAM + 66} maxWidth={520}>
      {(width, height) => {
        const frame = { left: 46, right: width - 14, top: 30, bottom: height - 46 - HISTOGRAM - 14 };
        const floor = height - 46;
        const x = linear([0, 1], [frame.left, frame.right]);
        const y = linear([0, 1], [frame.bottom, frame.top]);
        const tall = linear([0, most], [0, HISTOGRAM]);
        const edges = bins.filter((b) => isNumber(b.accuracy.low) && isNumber(b.accuracy.high));
        const upper = edges.map((b) => `${x(b.confidence)} ${y(b.accuracy.high as number)}`);
        const lower = edges.map((b) => `${x(b.confidence)} ${y(b.accuracy.low as number)}`).reverse();
        return (
          <g>
            <YAxis scale={y} x={frame.left} right={frame.right} top={frame.top} label="share that is right" />
            <XAxis scale={x} y={floor} label="confidence stated" />
            <line class="diagonal" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
            {edges.length > 1 && <path class="band" d={`M${upper.join("L")}L${lower.join("L")}Z`} />}
            {bins.length > 1 && <path class="curve thin" d={`M${bins.map((b) => `${x(b.confidence)} ${y(b.accuracy.value)}`).join("L")}`} />}
            {bins.map((b) => (
              <g class="dot-model">
                {isNumber(b.accuracy.low) && isNumber(b.accuracy.high) && <Whisker at={x(b.confidence)} from={y(b.accuracy.high)} to={y(b.accuracy.low)} vertical cap={3} />}
                <circle cx={x(b.confidence)} cy={y(b.accuracy.value)} r={4} />
              </g>
            ))}
            {bins.map((b) => (
              <rect class="histogram" x={x(b.confidence) - 5} width={10} y={floor - tall(b.accuracy.n ?? 0)} height={tall(b.accuracy.n ?? 0)} />
            ))}
            <text class="quiet-text" x={frame.left + 6} y={floor - HISTOGRAM + 8}>how many (most: {count(most)})</text>
          </g>
        );
      }}
    </Chart>
  );
}
