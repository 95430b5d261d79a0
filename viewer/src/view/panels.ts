// Which series stand in one figure: the same quantity of both splits, else one figure a quantity.
import type { Series } from "../schemas/view";

export interface Panel {
  name: string;
  series: Series[];
}

const FIRST = ["loss", "score", "gap", "log-odds", "learned", "as the neighbour"];

/** "train loss" and "test_loss" are the "loss" of two splits. */
function quantity(name: string): string {
  return name.replace(/^(train|test|validation)[ _]/, "");
}

export function panelsOf(series: Series[]): Panel[] {
  const found = new Map<string, Panel>();
  for (const one of series) {
    if (!one.n) continue;
    const name = quantity(one.name);
    const panel = found.get(name) ?? { name, series: [] };
    panel.series.push(one);
    found.set(name, panel);
  }
  const place = (panel: Panel) => (FIRST.includes(panel.name) ? FIRST.indexOf(panel.name) : FIRST.length);
  return [...found.values()].sort((a, b) => place(a) - place(b));
}

/** Where a series has a value nearest to `x`; null where it has none. */
export function valueAt(series: Series, x: number): { x: number; y: number; low?: number | null; high?: number | null } | null {
  let best: { x: number; y: number; low?: number | null; high?: number | null } | null = null;
  for (const line of series.lines) {
    for (let i = 0; i < line.x.length; i++) {
      const [at, y] = [line.x[i], line.y[i]];
      if (typeof at !== "number" || typeof y !== "number") continue;
      if (best === null || Math.abs(at - x) <= Math.abs(best.x - x)) best = { x: at, y, low: line.low?.[i] ?? null, high: line.high?.[i] ?? null };
    }
  }
  return best;
}
