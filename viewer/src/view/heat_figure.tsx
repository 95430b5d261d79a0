// The loss of every probe row at every look: a picture inside the drawing, one pixel a row and look.
import { useMemo } from "preact/hooks";
import { XAxis } from "../charts/axes";
import { Chart } from "../charts/chart";
import { ExportButtons, type Table } from "../charts/export";
import { linear } from "../charts/scale";
import { count, isNumber } from "../numbers";
import type { HeatJson } from "../schemas/view";

const LOW = -4;
const SPAN = 5;
const LEFT = 54;

/** log10 of the loss behind a byte; null where it was not finite. */
function logLoss(byte: number): number | null {
  return byte === 0 ? null : LOW + ((byte - 1) / 254) * SPAN;
}

// From the paper of "learned" over blue to the orange of rote, in equal steps of lightness; grey where there is none.
const STOPS: [number, number, number][] = [[247, 247, 247], [146, 197, 222], [33, 102, 172], [90, 40, 80], [204, 85, 0]];

export function colour(byte: number): [number, number, number] {
  if (byte === 0) return [128, 128, 128];
  const at = ((byte - 1) / 254) * (STOPS.length - 1);
  const low = STOPS[Math.floor(at)] as [number, number, number];
  const high = STOPS[Math.min(STOPS.length - 1, Math.floor(at) + 1)] as [number, number, number];
  return [0, 1, 2].map((k) => Math.round((low[k] as number) + ((high[k] as number) - (low[k] as number)) * (at % 1))) as [number, number, number];
}

function bytesOf(heat: HeatJson): Uint8Array {
  const text = atob(heat.data);
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function picture(heat: HeatJson): string {
  const bytes = bytesOf(heat);
  const [wide, high] = [heat.steps.length, heat.rows];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d");
  if (!context || bytes.length !== wide * high) return "";
  const image = context.createImageData(wide, high);
  bytes.forEach((byte, i) => image.data.set([...colour(byte), 255], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas.toDataURL("image/png");
}

function tableOf(heat: HeatJson): Table {
  const bytes = bytesOf(heat);
  const rows = heat.order.map((row, i) => [
    row,
    ...heat.steps.map((_, k) => {
      const found = logLoss(bytes[i * heat.steps.length + k] ?? 0);
      return found === null ? null : Number((10 ** found).toPrecision(3));
    }),
  ]);
  return { header: ["probe row", ...heat.steps.map((s) => `step ${s}`)], rows };
}

interface Props {
  id: string;
  split: string;
  heat: HeatJson;
  xName: string;
}

export function HeatFigure({ id, split, heat, xName }: Props) {
  const source = useMemo(() => picture(heat), [heat.data, heat.steps.length]);
  const [first, last] = [heat.steps[0] ?? 0, heat.steps[heat.steps.length - 1] ?? 1];
  if (!isNumber(first) || !isNumber(last) || !source) return null;
  const learned = `${count(heat.learned)} of ${count(heat.rows)} ${split} rows are learned and stay so`;
  return (
    <figure id={id} class="series-figure">
      <p class="legend" aria-hidden="true">
        <span>
          loss 0.0001 <svg class="key" width="120" height="12">{Array.from({ length: 30 }, (_, i) => <rect x={i * 4} width={4.2} height={12} style={{ fill: `rgb(${colour(1 + Math.round((i / 29) * 254)).join(" ")})` }} />)}</svg> 10 nats
        </span>
      </p>
      <Chart label={`Loss of ${heat.rows} ${split} probe rows at ${heat.steps.length} looks, sorted by when they were learned: ${learned}.`} height={(width) => Math.min(320, Math.max(140, width / 3)) + 60} maxWidth={1120}>
        {(width, tall) => {
          const [top, bottom, right] = [22, tall - 44, width - 14];
          const x = linear([first, Math.max(last, first + 1)], [LEFT, right], width < 460 ? 4 : 7);
          return (
            <g>
              <text class="axis-name quiet-text" x={0} y={12}>{split} rows, the first learned on top</text>
              <image href={source} x={LEFT} y={top} width={right - LEFT} height={bottom - top} preserveAspectRatio="none" image-rendering="pixelated" />
              <XAxis scale={x} y={bottom} label={xName} />
            </g>
          );
        }}
      </Chart>
      <figcaption>
        {learned}: from some look on, their answer has more than half of the probability. n = {count(heat.rows)} fixed rows
        {heat.every > 1 && `; one look in ${heat.every} is drawn`}. <ExportButtons of={id} name={`${split} rows`} table={() => tableOf(heat)} />
      </figcaption>
    </figure>
  );
}
