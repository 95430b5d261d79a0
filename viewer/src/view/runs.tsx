// The list of runs: filter, sort, choose several to compare.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { csv, download } from "../download";
import { count, duration, isNumber, plain } from "../numbers";
import type { RunLine, RunsJson } from "../schemas/view";
import { clean, short, Text } from "../text";
import { filterOf, sorted, type Key } from "./filter";
import { useKeys } from "./keys";
import { useLive } from "./live";
import { address, amend, readRoute, type Route } from "./route";
import { loadRuns, pageAddress } from "./source";
import { moment, Status } from "./status";
import { Waiting } from "./waiting";

const PAGE = 200;
const MOST_COMPARED = 12;
const PREFERRED = ["train loss", "test loss", "gap", "train score", "test score"];

interface Column {
  name: string;
  key: Key;
  numeric?: boolean;
}

/** The numbers that most runs have, losses first. */
function numberColumns(runs: RunLine[]): Column[] {
  const times = new Map<string, number>();
  for (const run of runs) for (const name of Object.keys(run.last)) times.set(name, (times.get(name) ?? 0) + 1);
  const liked = PREFERRED.filter((name) => times.has(name));
  const others = [...times].filter(([name]) => !PREFERRED.includes(name) && !name.endsWith("seconds")).sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return [...liked.slice(0, 3), ...others, ...liked.slice(3)].slice(0, 4).map((name) => ({ name, key: (run) => run.last[name], numeric: true }));
}

function columnsOf(runs: RunLine[]): Column[] {
  const middle = numberColumns(runs);
  return [
    { name: "run", key: (run) => run.name ?? run.id },
    { name: "status", key: (run) => run.status },
    // A watch has phases, an audit or a study an outcome: a column that no run fills is left out.
    ...(runs.some((run) => run.phase) ? [{ name: "phase", key: (run: RunLine) => run.phase }] : []),
    ...(runs.some((run) => run.outcome) ? [{ name: "outcome", key: (run: RunLine) => run.outcome }] : []),
    { name: "step", key: (run) => run.step, numeric: true },
    ...middle,
    { name: "seed", key: (run) => run.seed, numeric: true },
    { name: "started", key: (run) => run.started },
    { name: "took", key: (run) => run.took, numeric: true },
  ];
}

const known = (value: unknown) => value !== null && value !== undefined && value !== "";

function Row({ run, columns, picked, onPick, current }: { run: RunLine; columns: Column[]; picked: boolean; onPick: (id: string) => void; current: boolean }) {
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: "nearest" });
  }, [current]);
  const cells: Record<string, preact.ComponentChildren> = {
    status: <Status status={run.status} reason={run.reason} />,
    phase: run.phase ? <Text of={run.phase} /> : "",
    outcome: run.outcome ? <Text of={run.outcome} /> : "",
    step: count(run.step),
    seed: isNumber(run.seed) ? String(run.seed) : "—",
    started: moment(run.started),
    took: isNumber(run.took) ? duration(run.took) : run.doubt ? <span title={run.doubt}>—</span> : "",
  };
  return (
    <tr ref={row} class={current ? "current" : ""} aria-current={current ? "true" : undefined}>
      <td class="pick"><input type="checkbox" checked={picked} aria-label={`compare ${clean(run.name ?? run.id)}`} onChange={() => onPick(run.id)} /></td>
      <th scope="row">
        <a href={address("run", run.id)}><Text of={short(run.name ?? run.id, 80)} /></a>
        <span class="tiny run-id"><Text of={run.kind} /> · <code><Text of={run.id} /></code>{run.report && <> · <a href={pageAddress("page", run.id, run.file)}>report</a></>}</span>
      </th>
      {columns.slice(1).map((c) => (
        <td class={`${c.numeric ? "right" : ""} ${known(c.key(run)) ? "" : "nothing"}`} data-label={c.name}>{c.name in cells ? cells[c.name] : plain(run.last[c.name])}</td>
      ))}
    </tr>
  );
}

function chosen(route: Route): string[] {
  return (route.query.get("pick") ?? "").split(",").filter(Boolean);
}

function save(runs: RunLine[], columns: Column[]): void {
  const header = ["id", ...columns.map((c) => c.name)];
  download("runs.csv", "text/csv", csv(header, runs.map((run) => [run.id, ...columns.map((c) => c.key(run))])));
}

export function RunsPage({ route }: { route: Route }) {
  const live = useLive<RunsJson>("runs", {}, loadRuns, () => true);
  const all = live.data?.runs ?? [];
  const [most, setMost] = useState(PAGE);
  const [at, setAt] = useState(-1);
  const now = useRef(-1); // the row that the next key means, drawn or not yet
  const field = useRef<HTMLInputElement>(null);
  const text = route.query.get("q") ?? "";
  const order = route.query.get("sort") ?? "";
  const picked = chosen(route);
  const columns = useMemo(() => columnsOf(all), [live.data]);
  const shown = useMemo(() => {
    const found = all.filter(filterOf(text));
    const column = columns.find((c) => c.name === order.replace(/^-/, ""));
    return column ? sorted(found, column.key, order.startsWith("-")) : found;
  }, [live.data, text, order]);
  const pick = (id: string) => {
    const before = chosen(readRoute(location.hash));
    amend({ pick: (before.includes(id) ? before.filter((p) => p !== id) : [...before, id]).slice(-MOST_COMPARED).join(",") });
  };
  const goTo = (row: number) => {
    now.current = row;
    setAt(row);
  };
  const move = (by: number) => goTo(Math.max(0, Math.min(shown.length - 1, now.current + by)));
  const row = () => shown[now.current];
  const open = (page: string, id = "", query = {}) => (location.hash = address(page, id, query));
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => row() && open("run", row()?.id),
    o: () => row() && open("run", row()?.id),
    x: () => row() && pick(row()?.id ?? ""),
    c: () => chosen(readRoute(location.hash)).length && open("compare", "", { runs: chosen(readRoute(location.hash)).join(",") }),
    "/": () => field.current?.focus(),
  });
  if (!live.data) return <Waiting what="the runs" failure={live.failure} />;
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>Runs <span class="minor">in <Text of={live.data.folder} /></span></h1>
        <div class="list-tools">
          <label class="grow"><span class="unseen">filter</span>
            <input ref={field} type="search" value={text} placeholder="filter: words, or gap>0.1" spellcheck={false} onInput={(e) => { amend({ q: e.currentTarget.value }); setMost(PAGE); goTo(-1); }} onKeyDown={(e) => e.key === "Escape" && e.currentTarget.blur()} />
          </label>
          {picked.length > 0 && <a class="button" href={address("compare", "", { runs: picked.join(",") })}>compare {picked.length}</a>}
          {picked.length > 0 && <button type="button" onClick={() => amend({ pick: "" })}>clear</button>}
          <button type="button" aria-label="download this list as csv" onClick={() => save(shown, columns)}>csv</button>
        </div>
        <p class="facts" aria-live="polite"><span>{count(shown.length)} of {count(all.length)} runs</span>{live.lost && <span>the server does not answer; this is what was last known</span>}</p>
      </header>
      {shown.length === 0 ? (
        <p class="absent"><span class="dash">—</span> {all.length ? "no run matches this filter" : "this folder holds no runs yet; one appears here as soon as it starts"}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="the runs"><table class="cards runs">
          <thead>
            <tr>
              <th scope="col"><span class="unseen">compare</span></th>
              {columns.map((c) => {
                const down = order === `-${c.name}`;
                const mine = down || order === c.name;
                return (
                  <th scope="col" class={c.numeric ? "right" : ""} aria-sort={mine ? (down ? "descending" : "ascending") : undefined}>
                    <button type="button" class="sort" onClick={() => amend({ sort: mine ? (down ? "" : `-${c.name}`) : c.name })}><Text of={c.name} /> <span class={mine ? "" : "faint"} aria-hidden="true">{mine && down ? "▾" : "▴"}</span></button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>{shown.slice(0, most).map((run, i) => <Row key={run.id} run={run} columns={columns} picked={picked.includes(run.id)} onPick={pick} current={i === at} />)}</tbody>
        </table></div>
      )}
      {shown.length > most && <button type="button" onClick={() => setMost(most + PAGE)}>show {Math.min(PAGE, shown.length - most)} more</button>}
    </>
  );
}
