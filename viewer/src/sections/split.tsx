// The picture that proves the headline, with every one of its numbers underneath.
import { parts, SplitBars } from "../charts/split_bars";
import { Absent, Figure } from "../charts/figure";
import { countOf, levelOf, Methods } from "../methods";
import { isOk, whyNot } from "../numbers";
import type { Estimate, Maybe, Report, SplitRow } from "../schema";
import { Text } from "../text";
import { Value } from "../value";
import { whyAbsent } from "../absence";

const COLUMNS: [keyof SplitRow, string][] = [
  ["chance", "chance"],
  ["rule", "rule"],
  ["rote", "rote"],
  ["share", "rote's share"],
  ["train", "right in training"],
  ["out_of_sample", "right unseen"],
];

export function Split({ report }: { report: Report }) {
  const rows = report.split ?? [];
  const status = report.split_status;
  if (!rows.some(parts)) {
    const withheld = [rows[0]?.chance, rows[0]?.rule, rows[0]?.rote].find((e) => e && !isOk(e));
    const why = status && status !== "ok" ? status : withheld ? whyNot(withheld) : whyAbsent(report, "split");
    return <Absent what="Chance, rule and rote" why={why} />;
  }
  const all = rows.flatMap((r) => [r.chance, r.rule, r.rote, r.train, r.out_of_sample, r.share]);
  const answers = report.task === "language" ? "training tokens" : "training answers";
  return (
    <>
      {status && status !== "ok" && <Absent what="With a reservation" why={status} />}
      <Figure
        id="split"
        caption={
          <>
            Of 100 {answers}, how many are right by chance, by rule (without having been seen) and by rote (only because they
            were seen); whiskers are {levelOf(all)} intervals, n = {countOf(all)}.
          </>
        }
        how={
          <>
            <p>
              Chance is what the trivial predictor gets right. Rule is what models get right on examples they were trained
              without, less chance. Rote is what is right only once the example has been seen: the gap between seen and
              unseen. Rote's share is rote divided by what goes beyond chance. The whisker at the end of a part is the
              interval of that boundary: chance, right unseen, right in training.
            </p>
            <Methods of={all} />
            {rows.map((row) => row.note && <p><Text of={row.name} />: <Text of={row.note} /></p>)}
          </>
        }
      >
        <SplitBars rows={rows} answers={answers} />
        <table class="cards numbers split-table">
          <thead>
            <tr><th scope="col">in %</th>{COLUMNS.map(([key, name]) => <th scope="col" class={`key-${key}`}>{name}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <th scope="row"><Text of={row.name} /></th>
                {COLUMNS.map(([key, name]) => (
                  <td data-label={name}><Value e={row[key] as Maybe<Estimate>} scale={100} /></td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Figure>
    </>
  );
}
