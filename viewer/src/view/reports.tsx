// The pages that stand by themselves: audits, certificates and trajectories, and the calibration of the instruments.
import { count } from "../numbers";
import { Text } from "../text";
import { useLive } from "./live";
import { address } from "./route";
import { loadRuns, pageAddress } from "./source";
import { moment, Status } from "./status";
import { Waiting } from "./waiting";

const KINDS: Record<string, string> = { audit: "audit", certify: "certificates", trajectory: "trajectory", calibrate: "calibration" };

function useReports(of: (kind: string) => boolean) {
  const live = useLive("runs", {}, loadRuns, () => true);
  return { live, runs: (live.data?.runs ?? []).filter((r) => r.report && of(r.report)), files: (live.data?.files ?? []).filter((f) => of(f.kind)) };
}

export function ReportsPage() {
  const { live, runs, files } = useReports((kind) => kind !== "calibrate");
  if (!live.data) return <Waiting what="the reports" failure={live.failure} />;
  return (
    <>
      <header class="view-head"><h1 tabIndex={-1}>Audits</h1><p class="facts"><span>{count(runs.length + files.length)} reports in this folder</span></p></header>
      {runs.length + files.length === 0 ? (
        <p class="absent"><span class="dash">—</span> no report yet: <code>heldout audit TARGET --runs FOLDER</code> leaves one here</p>
      ) : (
        <table class="cards">
          <thead><tr><th scope="col">report</th><th scope="col">kind</th><th scope="col">answer</th><th scope="col">status</th><th scope="col">started</th></tr></thead>
          <tbody>
            {runs.map((r) => (
              <tr>
                <th scope="row"><a href={pageAddress("page", r.id, r.file)}><Text of={r.name ?? r.id} /></a> <a class="tiny" href={address("run", r.id)}>run</a></th>
                <td data-label="kind">{KINDS[r.report] ?? r.report}</td>
                <td data-label="answer"><Text of={r.outcome} /></td>
                <td data-label="status"><Status status={r.status} reason={r.reason} /></td>
                <td data-label="started">{moment(r.started)}</td>
              </tr>
            ))}
            {files.map((f) => <tr><th scope="row"><a href={pageAddress("page", f.id, f.file)}><Text of={f.id} /></a></th><td data-label="kind">{KINDS[f.kind] ?? f.kind}</td><td /><td /><td /></tr>)}
          </tbody>
        </table>
      )}
    </>
  );
}

export function CalibrationPage() {
  const { live, runs, files } = useReports((kind) => kind === "calibrate");
  if (!live.data) return <Waiting what="the calibrations" failure={live.failure} />;
  const all = [...runs.map((r) => ({ id: r.id, file: r.file })), ...files];
  return (
    <>
      <header class="view-head"><h1 tabIndex={-1}>Calibration</h1></header>
      {all.length === 0 ? (
        <p class="absent"><span class="dash">—</span> no calibration in this folder: <code>heldout calibrate --page FOLDER/calibration.html</code> writes the page, a JSON report of the schema heldout.calibrate/1 is listed here</p>
      ) : (
        <ul class="plain-list">{all.map((f) => <li><a href={pageAddress("page", f.id, f.file)}><Text of={f.id} /></a></li>)}</ul>
      )}
    </>
  );
}
