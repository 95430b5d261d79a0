// A logarithmic scale over many powers of ten: ticks that can be read, written as 0.01, 20 or 10⁻⁶.
import { linear, logarithmic, type Scale } from "./scale";

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function power(exponent: number): string {
  const digits = String(Math.abs(exponent)).split("").map((d) => RAISED[Number(d)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

function text(value: number): string {
  const exponent = Math.round(Math.log10(value));
  if (Math.abs(exponent) >= 4 && Math.abs(value / 10 ** exponent - 1) < 1e-6) return power(exponent);
  return value >= 1 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}

/** `least` pixels between two ticks. */
export function decades(domain: [number, number], range: [number, number], least = 44): Scale {
  const scale = logarithmic(domain, range);
  const span = Math.log10(domain[1] / domain[0]);
  if (span < 0.35) {
    // Too short for powers of ten: round numbers, as on a linear axis.
    const even = linear(domain, range, Math.max(2, Math.abs(range[1] - range[0]) / 90));
    return Object.assign(scale, { ticks: even.ticks.filter((t) => t > 0), write: even.write });
  }
  const room = Math.max(2, Math.floor(Math.abs(range[1] - range[0]) / least));
  const wholes = scale.ticks.filter((t) => Math.abs(Math.log10(t) - Math.round(Math.log10(t))) < 1e-9);
  const every = Math.max(1, Math.ceil(wholes.length / room));
  const ticks = scale.ticks.length <= room ? scale.ticks : wholes.length > 1 ? wholes.filter((t) => Math.round(Math.log10(t)) % every === 0) : scale.ticks.filter((_, i) => i % Math.ceil(scale.ticks.length / room) === 0);
  return Object.assign(scale, { ticks: ticks.length ? ticks : scale.ticks.slice(0, room), write: text });
}

/** The extent of the positive values, a little wider; null where there is none. */
export function positive(values: (number | null | undefined)[], pad = 1.15): [number, number] | null {
  const known = values.filter((v): v is number => typeof v === "number" && Number.isFinite(v) && v > 0);
  if (!known.length) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return [low / pad, high * pad];
}
