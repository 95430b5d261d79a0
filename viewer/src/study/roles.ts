// Series that share a role share its colour; dashes tell them apart.
import type { Role, Series } from "../schemas/study";

const DASHES = ["", "7 4", "2 3", "9 3 2 3"];

/** The dash of each series that is not thin, by its place among those of its role. */
export function dashes(series: Series[]): Map<Series, string> {
  const seen = new Map<Role, number>();
  const found = new Map<Series, string>();
  for (const one of series) {
    if (one.thin) continue;
    const place = seen.get(one.role) ?? 0;
    seen.set(one.role, place + 1);
    found.set(one, DASHES[place % DASHES.length] ?? "");
  }
  return found;
}
