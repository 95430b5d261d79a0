// The numbers behind a figure of a study, one line a mark, with the cell that made it.
import type { Table } from "../charts/export";
import type { StudyFigure } from "../schemas/study";
import { clean } from "../text";

export function figureTable(figure: StudyFigure): Table {
  if (figure.kind === "lines") {
    const rows = figure.series.flatMap((s) => s.x.map((x, i) => [clean(s.name), x, s.y[i], s.low?.[i], s.high?.[i], s.cell]));
    return { header: ["series", figure.x_name, figure.y_name, "low", "high", "cell"], rows };
  }
  if (figure.kind === "dots") {
    return { header: ["name", figure.x_name, "low", "high", "cell"], rows: figure.rows.map((r) => [clean(r.name), r.value, r.low, r.high, r.cell]) };
  }
  const rows = figure.y.flatMap((y, j) => figure.x.map((x, i) => [clean(y), clean(x), figure.values[j]?.[i], figure.words?.[j]?.[i], figure.cells?.[j]?.[i]]));
  return { header: [figure.y_name, figure.x_name, figure.value_name, "word", "cell"], rows };
}
