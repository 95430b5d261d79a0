// One run, live while it runs: what it is, its phases, everything measured along one axis, and its probe rows.
import { useState } from "preact/hooks";
import { Fold } from "../fold";
import { count, duration, isNumber, spoken } from "../numbers";
import type { RunJson, Series } from "../schemas/view";
import { Section } from "../section";
import { clean, Text, Withheld } from "../text";
import { Value } from "../value";
import { HeatFigure } from "./heat_figure";
import { useLive } from "./live";
import { panelsOf, valueAt, type Panel } from "./panels";
import { amend, address, type Route } from "./route";
import { axisOf, bandsOf, SeriesFigure } from "./series_figure";
import { loadRun, onDisk } from "./source";
import { moment, Status } from "./status";
import { Waiting } from "./waiting";

const SHOWN_PANELS = 24;
const ESTIMATED = ["trace", "llc"]; // dear measures: estimates with an error of their own

function lineClass(name: string, position: number): string {
  return name.startsWith("test") ? "test" : position === 0 ? "own" : `hue-${position % 8}`;
}

function caption(panel: Panel): string {
  const names = panel.series.map((s) => clean(s.name) + (s.name.startsWith("test") ? " (dashed)" : ""));
  const banded = panel.series.some((s) => s.lines.some((l) => l.low));
  const what = panel.series.every((s) => ESTIMATED.includes(s.name)) ? "the error of the estimate on the probe rows" : "the luck of the probe rows";
  return `${names.join(", ")}; n = ${panel.series.map((s) => count(s.n)).join(" and ")} looks${banded ? `; bands are intervals for ${what}` : "; no interval was stored"}.`;
}

function Facts({ run }: { run: RunJson }) {
  const facts: [string, string][] = [
    ["kind", run.kind],
    ["seed", isNumber(run.seed) ? String(run.seed) : ""],
    ["attempt", isNumber(run.attempt) && run.attempt > 1 ? String(run.attempt) : ""],
    ["started", moment(run.started)],
    ["took", isNumber(run.took) ? duration(run.took) : run.doubt],
    ["rows", `${count(run.rows)} by ${count(run.writers)} writer${run.writers === 1 ? "" : "s"}${run.damaged ? `; ${count(run.damaged)} damaged line${run.damaged === 1 ? "" : "s"} left out` : ""}`],
  ];
  return <dl class="facts-list">{facts.filter(([, value]) => value).map(([name, value]) => <><dt>{name}</dt><dd><Text of={value} /></dd></>)}</dl>;
}

function Numbers({ series }: { series: Series[] }) {
  return (
    <table class="cards numbers">
      <thead><tr><th scope="col">measure</th><th scope="col">newest value (interval)</th><th scope="col">at</th><th scope="col">looks</th></tr></thead>
      <tbody>
        {series.map((s) => (
          <tr>
            <th scope="row"><Text of={s.name} /></th>
            <td data-label="newest value">
              <span>
                {(isNumber(s.last.value) || !s.withheld?.status) && <Value e={s.last} />}
                {s.withheld?.status && <>{s.n > 0 && <br />}<Withheld why={`${s.n ? `withheld at ${count(s.withheld.x)}: ` : ""}${s.withheld.status}`} /></>}
              </span>
            </td>
            <td data-label="at">{count(s.last.x ?? s.withheld?.x)}</td>
            <td data-label="looks">{count(s.n)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Phases({ run }: { run: RunJson }) {
  const phases = run.phases ?? [];
  if (!phases.length) return <p class="absent"><span class="dash">—</span> no phase is resolved yet, or this run was not watched for phases</p>;
  return (
    <ol class="phases">
      {phases.map((p) => (
        <li><strong><Text of={p.name} /></strong> <span class="minor tabular">{count(isNumber(p.start) ? p.start : null)}–{count(isNumber(p.end) ? p.end : null)}</span> {!!p.evidence && <span class="minor"><Text of={p.evidence} /></span>}</li>
      ))}
    </ol>
  );
}

function Measures({ run, route }: { run: RunJson; route: Route }) {
  const panels = panelsOf(run.series);
  const [at, setAt] = useState<number | null>(null);
  const [all, setAll] = useState(false);
  const log = { x: route.query.get("logx") === "1", y: route.query.get("logy") === "1" };
  const x = axisOf(run.series.flatMap((s) => s.lines), log.x);
  const bands = bandsOf(run.phases ?? []);
  const xName = run.x === "step" ? "training step" : "row";
  if (!panels.length) return <p class="absent"><span class="dash">—</span> no number along the run: {run.rows ? "its rows hold none" : "no row has been written yet"}</p>;
  const shown = all ? panels : panels.slice(0, SHOWN_PANELS);
  const read = at === null ? null : run.series.filter((s) => s.n).slice(0, 12).map((s) => [s, valueAt(s, at)] as const);
  return (
    <>
      <div class="step-tools screen-only">
        <label class="unseen" for="step-at">{xName}</label>
        <input id="step-at" type="range" min={x[0]} max={x[1]} step={(x[1] - x[0]) / 200 || 1} value={at ?? x[0]} aria-valuetext={at === null ? "none chosen" : `${xName} ${count(at)}`} onInput={(event) => setAt(event.currentTarget.valueAsNumber)} />
        <button type="button" class="chip" aria-pressed={log.x} onClick={() => amend({ logx: log.x ? "" : "1" })}>logarithmic {xName}</button>
        <button type="button" class="chip" aria-pressed={log.y} onClick={() => amend({ logy: log.y ? "" : "1" })}>logarithmic values</button>
      </div>
      <p class="readout">
        {read ? <>{xName} {count(read.find(([, v]) => v)?.[1]?.x ?? at)}: {read.filter(([, v]) => v).map(([s, v], i) => <>{i > 0 && "; "}<Text of={s.name} /> {spoken({ value: v?.y, low: v?.low, high: v?.high })}</>)}</> : "Point at a figure, or move the slider, to read one look."}
      </p>
      <div class="panels">
        {shown.map((panel, k) => (
          <SeriesFigure
            id={`panel-${k}`}
            name={panel.name}
            drawn={panel.series.map((s, i) => ({ name: s.name, class: lineClass(s.name, i), lines: s.lines }))}
            phases={bands}
            named={k === 0}
            x={x}
            xName={xName}
            log={log}
            height={k === 0 ? 270 : 200}
            at={at}
            onAt={setAt}
            caption={<Text of={caption(panel)} />}
          />
        ))}
      </div>
      {shown.length < panels.length && <button type="button" onClick={() => setAll(true)}>draw the other {panels.length - shown.length}</button>}
    </>
  );
}

export function RunPage({ route }: { route: Route }) {
  const live = useLive(`run/${route.id}`, { run: route.id }, (signal) => loadRun(route.id, signal), (run) => run.read >= 1);
  const run = live.data;
  if (!run) return <Waiting what="this run" failure={live.failure} />;
  const running = run.status === "running" && !onDisk;
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}><Text of={run.name ?? run.id} /></h1>
        <p class="facts">
          <span><Status status={run.status} reason={run.reason} /></span>
          {running && <span class={live.lost ? "minor" : "live"} role="status">{live.lost ? "the server does not answer" : "live"}</span>}
          {run.read < 1 && <span role="status">{Math.floor(run.read * 100)} % of its rows read</span>}
          <span><a href={address("runs", "", { pick: run.id })}>compare with others</a></span>
        </p>
        {Object.entries(run.last ?? {}).filter(([key]) => !["phase", "writer", "nonfinite"].includes(key)).map(([key, value]) => <p><span class="minor"><Text of={key} />: </span><Text of={value} /></p>)}
      </header>
      <Section id="phases" title="Phases"><Phases run={run} /></Section>
      <Section id="measures" title="Along training"><Measures run={run} route={route} /></Section>
      {Object.keys(run.heat ?? {}).length > 0 && (
        <Section id="rows" title="Row by row">
          {Object.entries(run.heat ?? {}).map(([split, heat]) => <HeatFigure id={`heat-${split}`} split={split} heat={heat} xName={run.x === "step" ? "training step" : "row"} />)}
        </Section>
      )}
      <Section id="numbers" title="All measures"><Numbers series={run.series} /></Section>
      <Section id="facts" title="About this run">
        <Facts run={run} />
        <Fold summary="its settings and notes"><pre class="command" tabIndex={0}><bdi>{clean(JSON.stringify({ id: run.id, hash: run.hash, spec: run.spec, notes: run.notes, code: run.code, python: run.python, platform: run.platform }, null, 1))}</bdi></pre></Fold>
      </Section>
    </>
  );
}
