// A box for queries over the runs: tables in memory, no file and no network, limits on time, memory and rows.
import { useEffect, useRef, useState } from "preact/hooks";
import { csv, download } from "../download";
import { count } from "../numbers";
import type { SqlJson } from "../schemas/view";
import { clean, Text } from "../text";
import { amend, type Route } from "./route";
import { onDisk, runQuery } from "./source";

const EXAMPLES = [
  "SELECT run, name, status, seed FROM runs ORDER BY started DESC LIMIT 50",
  "SELECT run, count(*) AS rows, max(step) AS last_step FROM rows GROUP BY run ORDER BY rows DESC",
  "DESCRIBE rows",
];
const SHOWN = 500;

export function SqlPage({ route }: { route: Route }) {
  const [text, setText] = useState(route.query.get("q") ?? EXAMPLES[0] ?? "");
  const [answer, setAnswer] = useState<SqlJson | null>(null);
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  if (onDisk) return <p class="absent"><span class="dash">—</span> queries need <code>heldout view</code> or <code>heldout sql</code>: this is a static site</p>;
  const ask = async () => {
    if (busy) return;
    amend({ q: text });
    setBusy(true);
    setFailure("");
    try {
      setAnswer(await runQuery(text, stop.current.signal));
    } catch (error) {
      setAnswer(null);
      setFailure(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>Query</h1>
        <p>DuckDB over two tables in memory: <code>runs</code> and <code>rows</code>. A query can reach no file and no network and changes nothing; it ends after 10 seconds, and answers with at most 2,000 rows.</p>
      </header>
      <label><span class="minor">SQL, run with Ctrl+Enter</span>
        <textarea class="query" rows={5} spellcheck={false} value={text} onInput={(e) => setText(e.currentTarget.value)} onKeyDown={(e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && void ask()} />
      </label>
      <div class="list-tools">
        <button type="button" disabled={busy} onClick={() => void ask()}>{busy ? "running …" : "run"}</button>
        <button type="button" disabled={!answer} onClick={() => answer && download("query.csv", "text/csv", csv(answer.columns, answer.rows.map((r) => r.map((v) => (typeof v === "boolean" ? String(v) : v)))))}>csv</button>
        <span class="minor">for example:</span>
        {EXAMPLES.map((example) => <button type="button" class="link small-link" onClick={() => setText(example)}><code>{example.length > 34 ? `${example.slice(0, 33)}…` : example}</code></button>)}
      </div>
      {failure && <p class="absent broken" role="alert"><Text of={failure} /></p>}
      {answer && (
        <>
          <p class="facts" role="status"><span>{count(answer.rows.length)} rows</span>{answer.rows.length > SHOWN && <span>the first {SHOWN} are shown; the csv has all</span>}</p>
          <div class="scroll" tabIndex={0} role="region" aria-label="answer of the query">
            <table class="answer">
              <thead><tr>{answer.columns.map((c) => <th scope="col"><Text of={c} /></th>)}</tr></thead>
              <tbody>{answer.rows.slice(0, SHOWN).map((r) => <tr>{r.map((v) => <td class={typeof v === "number" ? "right" : ""}>{v === null ? <span class="faint">null</span> : <Text of={clean(v)} />}</td>)}</tr>)}</tbody>
            </table>
          </div>
        </>
      )}
    </>
  );
}
