// Series that share a role share its colour; dashes tell them apart, and where these run out, thinner strokes.
import type { Role, Series } from "../schemas/study";

const DASHES = ["", "7 4", "2 3", "9 3 2 3"];

export interface Stroke {
  dash: string | undefined;
  width: number;
}

/** The stroke of each series that is not thin, by its place among those of its role. */
export function strokes(series: Series[]): Map<Series, Stroke> {
  const seen = new Map<Role, number>();
  const found = new Map<Series, Stroke>();
  for (const one of series) {
    if (one.thin) continue;
    const place = seen.get(one.role) ?? 0;
    seen.set(one.role, place + 1);
    found.set(one, { dash: DASHES[place % DASHES.length] || undefined, width: place < DASHES.length ? 2 : 1.1 });
  }
  return found;
}
