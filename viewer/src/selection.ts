// What the gallery shows: examples with the chosen flags, among those a finding names or the brush encloses.
import type { Example, ScatterPoint } from "./schema";

export interface Box {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

export interface Selection {
  flags: ReadonlySet<string>;
  ids: ReadonlySet<string> | null; // the examples of a finding
  idsFrom: string; // the finding's code
  box: Box | null; // the brush
}

export const EVERYTHING: Selection = { flags: new Set(), ids: null, idsFrom: "", box: null };

export function inBox(box: Box, point: ScatterPoint): boolean {
  const [x, y] = point;
  return typeof x === "number" && typeof y === "number" && x >= box.x0 && x <= box.x1 && y >= box.y0 && y <= box.y1;
}

export function chosen(selection: Selection, items: Example[], points: ScatterPoint[]): Example[] {
  const { flags, ids, box } = selection;
  const enclosed = box && new Set(points.filter((p) => inBox(box, p)).map((p) => String(p[3])));
  return items.filter(
    (item) =>
      (!flags.size || item.flags?.some((flag) => flags.has(flag))) &&
      (!ids || ids.has(String(item.id))) &&
      (!enclosed || enclosed.has(String(item.id))),
  );
}

export function withFlag(selection: Selection, flag: string): Selection {
  const flags = new Set(selection.flags);
  if (!flags.delete(flag)) flags.add(flag);
  return { ...selection, flags };
}
