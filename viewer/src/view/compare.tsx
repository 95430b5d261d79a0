// Several runs beside each other: one measure over common axes, in one figure or one small figure a run.
import { useEffect, useState } from "preact/hooks";
import { count } from "../numbers";
import type { RunJson, Series } from "../schemas/view";
import { Section } from "../section";
import { clean, short, Text } from "../text";
import { Value } from "../value";
import { address, amend, type Route } from "./route";
import { axisOf, SeriesFigure, spanOf } from "./series_figure";
import { follow, loadRun } from "./source";
import { Status } from "./status";
import { Waiting } from "./waiting";

const MOST = 12;
const PREFERRED = ["test loss", "train loss", "loss", "gap"];

type Got = RunJson | Error;

function useRuns(ids: string[]): Map<string, Got> {
  const [got, setGot] = useState(new Map<string, Got>());
  const key = ids.join(",");
  useEffect(() => {
    const stop = new AbortController();
    const ask = async (id: string) => {
      for (;;) {
        let found: Got;
        try {
          found = await loadRun(id, stop.signal);
        } catch (error) {
          found = error instanceof Error ? error : new Error(String(error));
        }
        if (stop.signal.aborted) return;
        setGot((old) => new Map(old).set(id, found));
        if (found instanceof Error || found.read >= 1) return;
      }
    };
    const all = async () => {
      for (const id of ids) await ask(id);
    };
    const end = follow({}, () => void all(), () => undefined);
    return () => {
      stop.abort();
      end();
    };
  }, [key]);
  return got;
}

function seriesOf(run: RunJson, measure: string): Series | undefined {
  return run.series.find((s) => s.name === measure && s.n);
}

export function ComparePage({ route }: { route: Route }) {
  const ids = (route.query.get("runs") ?? "").split(",").filter(Boolean).slice(0, MOST);
  const got = useRuns(ids);
  const runs = ids.map((id) => got.get(id)).filter((r): r is RunJson => !!r && !(r instanceof Error));
  const failed = ids.flatMap((id) => {
    const found = got.get(id);
    return found instanceof Error ? [[id, found.message] as const] : [];
  });
  if (!ids.length) return <p class="absent">Choose runs in <a href={address("runs")}>the list</a> (key x), then compare them (key c).</p>;
  if (!runs.length && !failed.length) return <Waiting what="these runs" failure={null} />;
  const measures = [...new Set(runs.flatMap((r) => r.series.filter((s) => s.n).map((s) => s.name)))];
  const asked = route.query.get("m") ?? "";
  const measure = measures.includes(asked) ? asked : (PREFERRED.find((m) => measures.includes(m)) ?? measures[0] ?? "");
  const small = route.query.get("view") === "small";
  const log = { x: route.query.get("logx") === "1", y: route.query.get("logy") === "1" };
  const with_ = runs.flatMap((run, i) => {
    const series = seriesOf(run, measure);
    return series ? [{ run, series, drawn: { name: `${run.name ?? run.id}, seed ${run.seed ?? "—"}`, class: `hue-${i % 8} ${i >= 8 ? "test" : ""}`, lines: series.lines } }] : [];
  });
  const without = runs.filter((run) => !seriesOf(run, measure));
  const x = axisOf(with_.flatMap((w) => w.series.lines), log.x);
  const span = spanOf(with_.map((w) => w.drawn), log.y);
  const xName = runs.some((r) => r.x === "step") ? "training step" : "row";
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>{count(runs.length)} runs compared</h1>
        <div class="list-tools">
          <label class="grow"><span class="minor">measure </span>
            <select value={measure} onChange={(e) => amend({ m: e.currentTarget.value })}>{measures.map((m) => <option value={m}>{short(m, 60)}</option>)}</select>
          </label>
          <button type="button" class="chip" aria-pressed={small} onClick={() => amend({ view: small ? "" : "small" })}>small multiples</button>
          <button type="button" class="chip" aria-pressed={log.x} onClick={() => amend({ logx: log.x ? "" : "1" })}>logarithmic {xName}</button>
          <button type="button" class="chip" aria-pressed={log.y} onClick={() => amend({ logy: log.y ? "" : "1" })}>logarithmic values</button>
        </div>
        {measure && without.length > 0 && <p class="absent"><span class="dash">—</span> without <Text of={measure} />: {without.map((run, i) => <>{i > 0 && ", "}<a href={address("run", run.id)}><Text of={run.name ?? run.id} /></a></>)}</p>}
        {failed.map(([id, why]) => <p class="absent"><code><Text of={id} /></code>: <Text of={why} /></p>)}
      </header>
      {!with_.length ? (
        <p class="absent"><span class="dash">—</span> these runs hold no number along training</p>
      ) : small ? (
        <div class="panels">
          {with_.map(({ run, drawn }, i) => (
            <SeriesFigure id={`small-${i}`} name={measure} drawn={[drawn]} x={x} y={span.y} xName={xName} log={{ x: log.x, y: span.log }} height={180} caption={<><a href={address("run", run.id)}><Text of={drawn.name} /></a>; the axes of all figures are the same.</>} />
          ))}
        </div>
      ) : (
        <SeriesFigure id="overlay" name={measure} drawn={with_.map((w) => w.drawn)} x={x} xName={xName} log={log} height={360} caption={<><Text of={measure} /> of {count(with_.length)} runs; bands are intervals where they were stored.</>} />
      )}
      <Section id="table" title="Newest values">
        <table class="cards numbers">
          <thead><tr><th scope="col">run</th><th scope="col" class="left">status</th><th scope="col"><Text of={measure} /> (interval)</th><th scope="col">at</th><th scope="col">looks</th></tr></thead>
          <tbody>
            {with_.map(({ run, series, drawn }) => (
              <tr>
                <th scope="row"><i class={`key-line ${drawn.class}`} aria-hidden="true" /> <a href={address("run", run.id)}><Text of={clean(drawn.name)} /></a></th>
                <td class="left" data-label="status"><Status status={run.status} reason={run.reason} /></td>
                <td data-label={clean(measure)}><Value e={series.last} /></td>
                <td data-label="at">{count(series.last.x)}</td>
                <td data-label="looks">{count(series.n)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Section>
    </>
  );
}
