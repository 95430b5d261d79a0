// The fidelity gate: do the refits resemble the audited model, so that what they show holds for it?
import { Absent, Figure } from "../charts/figure";
import { decimals, fixed, isNumber, plain, probability } from "../numbers";
import type { GateRow, Report } from "../schema";
import { Text } from "../text";
import { whyAbsent } from "../absence";

const REACH = 6; // standard deviations drawn to each side

function Strip({ row }: { row: GateRow }) {
  if (!isNumber(row.audited) || !isNumber(row.refits_mean) || !isNumber(row.refits_sd) || row.refits_sd <= 0) return null;
  const z = (row.audited - row.refits_mean) / row.refits_sd;
  const at = (sd: number) => 70 + (62 * Math.max(-REACH, Math.min(REACH, sd))) / REACH;
  const far = Math.abs(z) > REACH;
  return (
    <svg class="gate-strip" viewBox="0 0 140 18" width={140} height={18} role="img" aria-label={`${plain(z)} standard deviations from the refits' mean`}>
      <line class="base" x1={at(-REACH)} x2={at(REACH)} y1={9} y2={9} />
      <rect class="gate-band" x={at(-2)} width={at(2) - at(-2)} y={3} height={12} />
      <line class="gate-mean" x1={at(0)} x2={at(0)} y1={3} y2={15} />
      {far ? <path class="gate-far" d={z > 0 ? "M130 4l6 5l-6 5z" : "M10 4l-6 5l6 5z"} /> : <circle class="gate-dot" cx={at(z)} cy={9} r={4} />}
    </svg>
  );
}

function numbers(row: GateRow): [string, string] {
  if (!isNumber(row.refits_sd) || row.refits_sd <= 0) return [plain(row.audited), plain(row.refits_mean)];
  const places = decimals(-row.refits_sd, row.refits_sd);
  const mean = isNumber(row.refits_mean) ? `${fixed(row.refits_mean, places)} ± ${fixed(row.refits_sd, places)}` : "—";
  return [isNumber(row.audited) ? fixed(row.audited, places) : "—", mean];
}

export function Gate({ report }: { report: Report }) {
  const gate = report.gate;
  const rows = gate?.rows ?? [];
  if (!gate || !rows.some((row) => isNumber(row.audited))) {
    const why = gate?.status && gate.status !== "ok" ? gate.status : whyAbsent(report, "gate");
    return <Absent what="Fidelity gate" why={why} />;
  }
  const ok = gate.status === "ok";
  return (
    <Figure
      id="gate-figure"
      caption={
        <>
          The audited model (dot) against refits of the same recipe on the full data: their mean (line) and two standard
          deviations (grey); p is the chance that a model of the same recipe lies as far out.
        </>
      }
      how={
        <p>
          If the audited model does not resemble its refits, everything that rests on refitting is withheld. Losses and logits
          belong to the gate: accuracy alone misses a model trained several times longer.
        </p>
      }
    >
      <p class={`gate-status ${ok ? "" : "shut"}`}>{ok ? "The refits resemble the audited model." : <Text of={gate.status} />}</p>
      <table class="cards numbers">
        <thead><tr><th scope="col">statistic</th><th scope="col">audited</th><th scope="col">refits, mean ± sd</th><th scope="col" class="left">in standard deviations</th><th scope="col">p</th></tr></thead>
        <tbody>
          {rows.map((row) => {
            const [audited, refits] = numbers(row);
            return (
              <tr>
                <th scope="row"><Text of={row.statistic} /></th>
                <td data-label="audited">{audited}</td>
                <td data-label="refits">{refits}</td>
                <td data-label="in sd" class="left"><Strip row={row} /></td>
                <td data-label="p">{probability(row.p_value)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Figure>
  );
}
