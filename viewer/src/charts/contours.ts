// Marching squares: where a grid of values crosses a level.

/** The value at a fractional place of the grid, between its four neighbours; null where one of them is missing. */
function between(values: (number | null)[][], i: number, j: number): number | null {
  const [i0, j0] = [Math.min(Math.floor(i), values.length - 2), Math.min(Math.floor(j), (values[0]?.length ?? 2) - 2)];
  const [s, t] = [i - i0, j - j0];
  const [p, q, r, u] = [values[i0]?.[j0], values[i0 + 1]?.[j0], values[i0]?.[j0 + 1], values[i0 + 1]?.[j0 + 1]];
  if (typeof p !== "number" || typeof q !== "number" || typeof r !== "number" || typeof u !== "number") return null;
  return (1 - t) * ((1 - s) * p + s * q) + t * ((1 - s) * r + s * u);
}

/** Spans [row, from, to] of a raster of width x height below `level`; row 0 is the first of the second axis. */
export function below(values: (number | null)[][], level: number, width: number, height: number): [number, number, number][] {
  const spans: [number, number, number][] = [];
  const [a, b] = [values.length - 1, (values[0]?.length ?? 1) - 1];
  if (a < 1 || b < 1) return spans;
  for (let row = 0; row < height; row++) {
    let from = -1;
    for (let column = 0; column <= width; column++) {
      const value = column < width ? between(values, ((column + 0.5) / width) * a, ((row + 0.5) / height) * b) : null;
      const inside = value !== null && value < level;
      if (inside && from < 0) from = column;
      if (!inside && from >= 0) {
        spans.push([row, from, column]);
        from = -1;
      }
    }
  }
  return spans;
}

type Point = [number, number];

/** Segments of the level set over values[i][j] at (a[i], b[j]); cells without all four corners are left out. */
export function segments(values: (number | null)[][], a: number[], b: number[], level: number): [Point, Point][] {
  const found: [Point, Point][] = [];
  for (let i = 0; i + 1 < a.length; i++) {
    for (let j = 0; j + 1 < b.length; j++) {
      const corners: [number, number, number | null | undefined][] = [
        [i, j, values[i]?.[j]],
        [i + 1, j, values[i + 1]?.[j]],
        [i + 1, j + 1, values[i + 1]?.[j + 1]],
        [i, j + 1, values[i]?.[j + 1]],
      ];
      if (corners.some((c) => typeof c[2] !== "number")) continue;
      const cuts: Point[] = [];
      for (let k = 0; k < 4; k++) {
        const [p, q] = [corners[k], corners[(k + 1) % 4]] as [[number, number, number], [number, number, number]];
        if (p[2] < level === q[2] < level) continue;
        const t = (level - p[2]) / (q[2] - p[2]);
        const x = (a[p[0]] as number) + t * ((a[q[0]] as number) - (a[p[0]] as number));
        const y = (b[p[1]] as number) + t * ((b[q[1]] as number) - (b[p[1]] as number));
        cuts.push([x, y]);
      }
      for (let k = 0; k + 1 < cuts.length; k += 2) found.push([cuts[k] as Point, cuts[k + 1] as Point]);
    }
  }
  return found;
}
