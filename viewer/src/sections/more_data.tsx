// Would more data help?
import { Absent, Figure } from "../charts/figure";
import { LearningCurve } from "../charts/learning_curve";
import { levelOf, Methods } from "../methods";
import { count, isNumber, isOk } from "../numbers";
import type { Report } from "../schema";
import { Capital, Text } from "../text";
import { Value } from "../value";
import { whyAbsent } from "../absence";

export function MoreData({ report }: { report: Report }) {
  const data = report.learning_curve;
  const scores = (data?.points ?? []).map((p) => p.score);
  const drawn = scores.some(isOk) || (data?.curve ?? []).some((p) => isNumber(p.value));
  if (!data || !drawn) {
    const reason = scores.find((e) => e && !isOk(e))?.status;
    return <Absent what="Learning curve" why={reason || whyAbsent(report, "learning_curve")} />;
  }
  const train = report.n?.train;
  return (
    <Figure
      id="learning-curve"
      caption={
        <>
          <Capital of={data.y_name} /> by <Text of={data.x_name} />: dots are measured, whiskers and band are {levelOf(scores)}{" "}
          intervals; the dashed part was not measured but extrapolated{isNumber(train) && <>; this model has n = {count(train)}</>}.
        </>
      }
      how={
        <>
          <p>Models are trained by the same recipe on subsets of the training data and scored on what they did not see. The extrapolation is only as good as its curve: a change of regime beyond the data cannot be seen from here.</p>
          <Methods of={scores} />
        </>
      }
    >
      <LearningCurve data={data} now={isNumber(train) && train > 0 ? train : null} />
      <ul class="inline-numbers">
        {(data.points ?? []).map((p) => <li><span class="tiny">n = {count(p.n)}</span> <Value e={p.score} /></li>)}
      </ul>
    </Figure>
  );
}
