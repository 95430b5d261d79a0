// The learning coefficient along training, beside the loss and the trace.
import { Answer } from "../answer";
import { count, duration, isNumber, isOk, spoken } from "../numbers";
import type { Trajectory } from "../schemas/trajectory";
import { Fold } from "../fold";
import { Section } from "../section";
import { Along, CheckpointTable } from "../sections/along";
import { Command } from "../sections/rerun";
import { clean } from "../text";
import { Top } from "../top";

/** What is said where the data bring no sentence of their own. */
function summary({ rows }: Trajectory): { headline: string; sentence: string } {
  const all = rows ?? [];
  const known = all.filter((r) => isOk(r.llc));
  const [first, last] = [known[0], known[known.length - 1]];
  const headline = known.length ? `learning coefficient at ${count(known.length)} of ${count(all.length)} checkpoints` : "no learning coefficient";
  if (!first || !last) return { headline, sentence: `It was withheld at all ${count(all.length)} checkpoints; the reasons stand below.` };
  const peak = known.reduce((best, r) => ((r.llc?.value ?? 0) > (best.llc?.value ?? 0) ? r : best), first);
  return {
    headline,
    sentence: `It is ${spoken(first.llc)} at step ${count(first.step)}, largest with ${spoken(peak.llc)} at step ${count(peak.step)}, and ${spoken(last.llc)} at step ${count(last.step)}.`,
  };
}

export function TrajectoryPage({ report, source }: { report: Trajectory; source: string }) {
  const rows = (report.rows ?? []).filter((r) => isNumber(r.step)).sort((a, b) => a.step - b.step);
  const said = summary({ ...report, rows });
  const facts = [
    clean(report.created).slice(0, 10),
    `${count(rows.length)} checkpoints`,
    isNumber(report.seed) ? `seed ${report.seed}` : "",
    isNumber(report.seconds) ? duration(report.seconds) : "",
  ];
  return (
    <>
      <Top what="training of" title={report.title} facts={facts} source={source} />
      <Answer headline={report.headline || said.headline} sentence={report.sentence || said.sentence} />
      <Section id="along" title="Along training"><Along rows={rows} /></Section>
      <Section id="checkpoints" title="Checkpoints"><Fold summary="every checkpoint as a table"><CheckpointTable rows={rows} /></Fold></Section>
      {report.command && <Section id="rerun" title="How to rerun this"><Command of={report.command} version={report.version} seed={report.seed} /></Section>}
    </>
  );
}
