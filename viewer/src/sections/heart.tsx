// What the model holds by heart: the scatter, its brush, and the gallery it filters.
import { useMemo, useState } from "preact/hooks";
import { BrushFields } from "../charts/brush";
import { Absent, Figure } from "../charts/figure";
import { drawable, fullBox, Scatter } from "../charts/scatter";
import { Fold } from "../fold";
import { Gallery } from "../gallery/gallery";
import { Methods } from "../methods";
import { count } from "../numbers";
import type { Report } from "../schema";
import type { Selection } from "../selection";
import { Text } from "../text";
import { whyAbsent } from "../absence";

interface Props {
  report: Report;
  selection: Selection;
  onSelect: (selection: Selection) => void;
}

export function Heart({ report, selection, onSelect }: Props) {
  const [ringed, setRinged] = useState<string | null>(null);
  const scatter = report.scatter;
  const points = useMemo(() => drawable(scatter?.points ?? []), [scatter]);
  const held = (report.examples?.items ?? []).map((item) => item.memorization);
  return (
    <>
      {scatter && points.length ? (
        <Figure
          id="scatter"
          caption={
            <>
              Each training example once, n = {count(points.length)}: <Text of={scatter.y_name} /> against{" "}
              <Text of={scatter.x_name} />. Top left: right only because it was seen. Intervals stand with the examples
              below.
            </>
          }
          how={
            <>
              <p>
                Memorization of an example is how much better models do on it when it was among their training examples than
                when it was not. It means something only where the model fits the label at all.
              </p>
              <Methods of={held} />
              {report.examples?.note && <p><Text of={report.examples.note} /></p>}
            </>
          }
        >
          <Scatter data={scatter} box={selection.box} onBox={(box) => onSelect({ ...selection, box })} ringed={ringed} />
          <Fold summary="choose the rectangle by numbers" class="screen-only">
            <BrushFields
              xName={scatter.x_name}
              yName={scatter.y_name}
              full={fullBox(points)}
              box={selection.box}
              onBox={(box) => onSelect({ ...selection, box })}
            />
          </Fold>
        </Figure>
      ) : (
        <Absent what="Memorization of each example" why={whyAbsent(report, "scatter")} />
      )}
      <Gallery report={report} points={points} selection={selection} onSelect={onSelect} onPoint={setRinged} />
    </>
  );
}
