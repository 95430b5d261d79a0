// The study's figures, the main one first; each with the way back from its marks to their cells.
import { useMemo, useState } from "preact/hooks";
import { ExportButtons } from "../charts/export";
import { Absent } from "../charts/figure";
import { HeatMap } from "../charts/heat_map";
import { StudyDots } from "../charts/study_dots";
import { StudyLines } from "../charts/study_lines";
import type { StudyFigure } from "../schemas/study";
import { clean, Text } from "../text";
import { figureTable } from "./figure_table";
import { Trace, type Traced } from "./trace";

type OnCell = (cell: string | null) => void;

/** The marks of a figure that lead to a cell, each cell once. */
function traced(figure: StudyFigure): Traced[] {
  const found = new Map<string, Traced>();
  const add = (cell: string | null | undefined, name: string) => {
    if (cell && !found.has(cell)) found.set(cell, { cell, name });
  };
  if (figure.kind === "lines") figure.series.forEach((one) => add(one.cell, one.name));
  if (figure.kind === "dots") figure.rows.forEach((row) => add(row.cell, row.name));
  if (figure.kind === "heat_map") {
    figure.cells?.forEach((row, j) => row.forEach((cell, i) => add(cell, `${figure.x[i]}, ${figure.y[j]}`)));
  }
  return [...found.values()];
}

function Drawing({ figure, id, onCell }: { figure: StudyFigure; id: string; onCell: OnCell }) {
  const [hovered, setHovered] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const marks = useMemo(() => traced(figure), [figure]);
  const shown = hovered ?? chosen;
  const choose = (cell: string | null) => {
    setChosen(cell);
    onCell(cell);
  };
  const draw = { shown, onHover: setHovered, onChoose: choose };
  return (
    <figure id={id} class="study-figure">
      <h3><Text of={figure.title} /></h3>
      {figure.kind === "lines" && <StudyLines figure={figure} {...draw} />}
      {figure.kind === "heat_map" && <HeatMap figure={figure} {...draw} />}
      {figure.kind === "dots" && <StudyDots figure={figure} {...draw} />}
      <figcaption><Text of={figure.caption} /> <ExportButtons of={id} name={clean(figure.title)} table={() => figureTable(figure)} /></figcaption>
      <Trace marks={marks} chosen={chosen} hovered={hovered} onChoose={choose} />
    </figure>
  );
}

export function Figures({ figures, onCell }: { figures: StudyFigure[]; onCell: OnCell }) {
  if (!figures.length) return <Absent what="Figures" why="no cell is finished yet" />;
  return <>{figures.map((figure, i) => <Drawing figure={figure} id={`figure-${i + 1}`} onCell={onCell} />)}</>;
}
