// Scales and ticks.
import { fixed } from "../numbers";

export interface Scale {
  (value: number): number;
  invert: (pixel: number) => number;
  domain: [number, number];
  ticks: number[];
  write: (value: number) => string;
}

function tickStep(span: number, wanted: number): number {
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = rough / power;
  return power * (unit < 1.5 ? 1 : unit < 3.5 ? 2 : unit < 7.5 ? 5 : 10);
}

function tickText(value: number, step: number): string {
  if (Math.abs(value) < step * 1e-9) return "0";
  if (Math.abs(value) >= 1e6 || step < 1e-5) return value.toPrecision(2).replace(/-/g, "\u2212");
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return fixed(value, places);
}

/** A linear scale; the domain is not changed, the ticks are round numbers inside it. */
export function linear(domain: [number, number], range: [number, number], wanted = 5): Scale {
  let [low, high] = domain;
  if (!(high > low)) {
    const pad = Math.abs(low) * 0.1 || 0.5;
    [low, high] = [low - pad, high + pad];
  }
  const slope = (range[1] - range[0]) / (high - low);
  const step = tickStep(high - low, wanted);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
  return Object.assign((value: number) => range[0] + (value - low) * slope, {
    invert: (pixel: number) => low + (pixel - range[0]) / slope,
    domain: [low, high] as [number, number],
    ticks,
    write: (value: number) => tickText(value, step),
  });
}

/** A logarithmic scale with ticks at 1, 2 and 5 times powers of ten. */
export function logarithmic(domain: [number, number], range: [number, number]): Scale {
  const [low, high] = [Math.log10(domain[0]), Math.log10(domain[1])];
  const base = linear([low, high], range);
  const ticks: number[] = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const unit of [1, 2, 5]) {
      const tick = unit * 10 ** power;
      if (tick >= domain[0] * 0.999 && tick <= domain[1] * 1.001) ticks.push(tick);
    }
  }
  return Object.assign((value: number) => base(Math.log10(value)), {
    invert: (pixel: number) => 10 ** base.invert(pixel),
    domain,
    ticks,
    write: (value: number) => tickText(value, 1),
  });
}

/** The extent of the finite values, widened by a share of itself so that no mark sits on the frame. */
export function extent(values: (number | null | undefined)[], pad = 0.05): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (typeof value !== "number" || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return null;
  const margin = (high - low) * pad || Math.abs(high) * pad || 0.05;
  return [low - margin, high + margin];
}

/** A domain for scores: shares keep to [0, 1], others get their extent. */
export function scoreDomain(values: (number | null | undefined)[], pad = 0.06): [number, number] | null {
  const found = extent(values, pad);
  const raw = extent(values, 0);
  if (!found || !raw) return null;
  const tight = extent(values, 1e-9) as [number, number];
  if (tight[0] >= -1e-6 && tight[1] <= 1 + 1e-6) return [Math.max(0, found[0]), Math.min(1, found[1])];
  return found;
}
