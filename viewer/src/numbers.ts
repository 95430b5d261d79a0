// How numbers are written: as many decimals as the interval can carry, a true minus sign, one kind of dash.
import type { Estimate, Maybe } from "./schema";

const MINUS = "\u2212";

export function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** An estimate whose number may be shown: the value is there and nothing was withheld. */
export function isOk(e: Maybe<Estimate>): e is Estimate & { value: number } {
  return !!e && isNumber(e.value) && (!e.status || e.status === "ok");
}

export function hasInterval(e: Maybe<Estimate>): e is Estimate & { value: number; low: number; high: number } {
  return isOk(e) && isNumber(e.low) && isNumber(e.high);
}

export function whyNot(e: Maybe<Estimate>): string {
  if (!e) return "not measured";
  if (e.status && e.status !== "ok") return e.status;
  return "no value given";
}

/** Decimals that show the interval's half-width to one digit, to two where the first is a 1 or a 2. */
export function decimals(low: number, high: number): number {
  const half = Math.abs(high - low) / 2;
  if (!(half > 0)) return 3;
  return Math.min(6, Math.max(0, Math.ceil(-Math.log10(half / 3))));
}

export function fixed(value: number, places: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 10 ** -6)) return value.toExponential(2).replace(/-/g, MINUS);
  const [whole = "", part] = size.toFixed(places).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const digits = part ? `${grouped}.${part}` : grouped;
  return value < 0 && /[1-9]/.test(digits) ? MINUS + digits : digits;
}

/** A number without an interval: whole numbers as they are, others to three significant digits. */
export function plain(value: Maybe<number>): string {
  if (!isNumber(value)) return "—";
  if (Number.isInteger(value)) return fixed(value, 0);
  const size = Math.abs(value);
  return fixed(value, size >= 100 ? 0 : Math.min(6, 2 - Math.floor(Math.log10(size))));
}

/** A number that somebody chose, such as a delta: without zeros that say nothing. */
export function briefly(value: Maybe<number>): string {
  return isNumber(value) ? String(Number(value.toPrecision(3))).replace("-", MINUS) : "—";
}

export interface Written {
  value: string;
  interval: string; // "" where there is none
}

/** The value and its interval as text, both multiplied by `scale` (100 for percentages). */
export function write(e: Estimate & { value: number }, scale = 1): Written {
  if (!isNumber(e.low) && !isNumber(e.high)) return { value: plain(e.value * scale), interval: "" };
  const value = e.value * scale;
  const low = isNumber(e.low) ? e.low * scale : null;
  const high = isNumber(e.high) ? e.high * scale : null;
  const places = decimals(low ?? value, high ?? value);
  const text = fixed(value, places);
  if (low === null) return { value: text, interval: `≤ ${fixed(high as number, places)}` };
  if (high === null) return { value: text, interval: `≥ ${fixed(low, places)}` };
  const joint = low < 0 ? " to " : "–";
  return { value: text, interval: fixed(low, places) + joint + fixed(high, places) };
}

/** "0.943 (0.927–0.957)", for captions and text alternatives; an em dash and the reason where withheld. */
export function spoken(e: Maybe<Estimate>, scale = 1): string {
  if (!isOk(e)) return `— (${whyNot(e)})`;
  const { value, interval } = write(e, scale);
  return interval ? `${value} (${interval})` : value;
}

export function count(value: Maybe<number>): string {
  return isNumber(value) ? fixed(Math.round(value), 0) : "—";
}

/** A probability: three decimals, two above a tenth. */
export function probability(p: Maybe<number>): string {
  if (!isNumber(p)) return "—";
  if (p !== 0 && Math.abs(p) < 0.001) return "<0.001";
  return fixed(p, Math.abs(p) < 0.1 ? 3 : 2);
}

export function duration(seconds: Maybe<number>): string {
  if (!isNumber(seconds)) return "—";
  if (seconds <= 0) return "0 s";
  if (seconds < 0.1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds) / 60;
  if (minutes < 60) {
    const rest = Math.round(seconds) % 60;
    return rest ? `${Math.floor(minutes)} min ${rest} s` : `${Math.floor(minutes)} min`;
  }
  const whole = Math.round(seconds / 60);
  return whole % 60 ? `${Math.floor(whole / 60)} h ${whole % 60} min` : `${whole / 60} h`;
}

export function percentLevel(level: Maybe<number>): string {
  return isNumber(level) ? `${plain(Math.round(level * 1000) / 10)}\u00a0%` : "95\u00a0%";
}
