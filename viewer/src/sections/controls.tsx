// What the model adds over simple things: scores on the same rows, and the paired differences.
import { DotRows, type DotRow } from "../charts/dot_rows";
import { Absent, Figure } from "../charts/figure";
import { countOf, levelOf, Methods } from "../methods";
import { isOk, whyNot } from "../numbers";
import type { Control, Report } from "../schema";
import { Text } from "../text";
import { whyAbsent } from "../absence";

const tone = (control: Control): DotRow["tone"] => (control.kind === "model" ? "model" : "control");

export function Controls({ report }: { report: Report }) {
  const rows = report.controls ?? [];
  if (!rows.some((r) => isOk(r.score))) {
    return <Absent what="Controls" why={rows[0] ? whyNot(rows[0].score) : whyAbsent(report, "controls")} />;
  }
  const model = rows.find((r) => r.kind === "model");
  const scores = rows.map((r) => r.score);
  const differences = rows.filter((r) => r.kind !== "model" && r.difference);
  const paired = differences.map((r) => r.difference);
  return (
    <Figure
      id="controls-figure"
      caption={
        <>
          Test score of this model (bold, its interval runs through as a band) and of simpler things on the same rows, and the
          advantage over each; n = {countOf(scores)}, whiskers are {levelOf(scores)} intervals.
        </>
      }
      how={
        <>
          <p>
            Every control is fitted on the same training rows and scored on the same test rows as the model. The advantage
            is taken row by row, so what is hard for both cancels out.
          </p>
          <Methods of={scores} lead="Scores" />
          {paired.length > 0 && <Methods of={paired} lead="Differences" />}
          <dl class="notes">{rows.map((r) => r.note && <><dt><Text of={r.name} /></dt><dd><Text of={r.note} /></dd></>)}</dl>
        </>
      }
    >
      <h3>Test score</h3>
      <DotRows
        label="Test scores with intervals"
        axis="test score"
        reference={model?.score}
        rows={rows.map((r) => ({ name: r.name, e: r.score, tone: tone(r) }))}
      />
      {paired.some(isOk) && (
        <>
          <h3>Advantage of this model over each, paired</h3>
          <DotRows
            label="Advantage of this model over each control, paired, with intervals"
            axis="this model minus the control"
            zero
            rows={differences.map((r) => ({ name: r.name, e: r.difference, tone: "control" }))}
          />
        </>
      )}
    </Figure>
  );
}
