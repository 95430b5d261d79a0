// The study's figures, the main one first; each with the way back from its marks to their cells.
import { useMemo, useState } from "preact/hooks";
import { Absent } from "../charts/figure";
import { HeatMap } from "../charts/heat_map";
import { StudyDots } from "../charts/study_dots";
import { StudyLines } from "../charts/study_lines";
import type { StudyFigure } from "../schemas/study";
import { Text } from "../text";
import { Trace, type Traced } from "./trace";

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

function Drawing({ figure, id }: { figure: StudyFigure; id: string }) {
  const [hovered, setHovered] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const marks = useMemo(() => traced(figure), [figure]);
  const shown = hovered ?? chosen;
  const draw = { shown, onHover: setHovered, onChoose: setChosen };
  return (
    <figure id={id} class="study-figure">
      <h3><Text of={figure.title} /></h3>
      {figure.kind === "lines" && <StudyLines figure={figure} {...draw} />}
      {figure.kind === "heat_map" && <HeatMap figure={figure} {...draw} />}
      {figure.kind === "dots" && <StudyDots figure={figure} {...draw} />}
      <figcaption><Text of={figure.caption} /></figcaption>
      <Trace marks={marks} chosen={chosen} hovered={hovered} onChoose={setChosen} />
    </figure>
  );
}

export function Figures({ figures }: { figures: StudyFigure[] }) {
  if (!figures.length) return <Absent what="Figures" why="no cell is finished yet" />;
  return <>{figures.map((figure, i) => <Drawing figure={figure} id={`figure-${i + 1}`} />)}</>;
}
