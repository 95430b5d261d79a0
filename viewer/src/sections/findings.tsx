// What to know and what to do, one line each; the examples a finding names can be seen and exported.
import { csv, download, fileName } from "../download";
import { Fold } from "../fold";
import { count } from "../numbers";
import type { Finding, Report, ScatterPoint } from "../schema";
import { clean, Text } from "../text";

const SIGN: Record<string, string> = { error: "!!", warning: "!", info: "i" };
const FLAGS = ["", "wrong", "memorized", "wrong memorized"];

function save(report: Report, finding: Finding): void {
  const items = new Map((report.examples?.items ?? []).map((item) => [String(item.id), item]));
  const points = new Map<string, ScatterPoint>((report.scatter?.points ?? []).map((p) => [String(p[3]), p]));
  const header = ["id", "given", "likely", "memorization", "low", "high", "out_confidence", "p_value", "flags"];
  const rows = (finding.ids ?? []).map((id) => {
    const item = items.get(String(id));
    const point = points.get(String(id));
    const held = item?.memorization;
    return [
      id,
      item?.given,
      item?.likely,
      held?.value,
      held?.low,
      held?.high,
      item?.out_confidence ?? point?.[0],
      item?.p_value,
      item?.flags?.join(" ") ?? (point ? FLAGS[point[2] ?? 0] : undefined),
    ];
  });
  download(fileName(`${report.title}-${finding.code}`, "csv"), "text/csv;charset=utf-8", csv(header, rows));
}

interface Props {
  report: Report;
  onSee: (finding: Finding) => void;
}

function Line({ report, finding, onSee }: Props & { finding: Finding }) {
  const ids = finding.ids ?? [];
  const shown = new Set((report.examples?.items ?? []).map((item) => String(item.id)));
  const here = ids.filter((id) => shown.has(String(id))).length;
  const severity = clean(finding.severity);
  return (
    <li class={`finding severity-${SIGN[severity] ? severity : "info"}`}>
      <span class="badge" title={severity}>{SIGN[severity] ?? "i"}<span class="unseen"> {severity}</span></span>
      <div>
        <p class="finding-title"><code>{clean(finding.code)}</code> <strong><Text of={finding.title} /></strong></p>
        <p><Text of={finding.line} /></p>
        {finding.todo && <p class="todo"><span class="arrow" aria-hidden="true">→</span> <Text of={finding.todo} /></p>}
        <p class="finding-tools">
          {here > 0 && (
            <button type="button" class="link see" onClick={() => onSee(finding)}>
              see them{here < ids.length && ` (${count(here)} of ${count(ids.length)} are in the gallery)`}
            </button>
          )}
          {ids.length > 0 && <button type="button" class="link" onClick={() => save(report, finding)}>export csv ({count(ids.length)})</button>}
          {finding.docs && <span class="minor">more in the documentation: <code>{clean(finding.docs)}</code></span>}
        </p>
      </div>
    </li>
  );
}

export function Findings({ report, onSee }: Props) {
  const all = report.findings ?? [];
  const loud = all.filter((f) => !f.muted);
  const muted = all.filter((f) => f.muted);
  const list = (some: Finding[]) => (
    <ul class="findings">{some.map((f) => <Line report={report} finding={f} onSee={onSee} />)}</ul>
  );
  return (
    <>
      {loud.length ? list(loud) : <p class="absent"><span class="dash">—</span> No findings.</p>}
      {muted.length > 0 && <Fold summary={`${count(muted.length)} muted`}>{list(muted)}</Fold>}
    </>
  );
}
