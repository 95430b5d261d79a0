// What stands around the figures: the rule, what was run, what was published, how to run it again.
import { Absent } from "../charts/figure";
import { Fold } from "../fold";
import { count, duration, isNumber } from "../numbers";
import type { Study } from "../schemas/study";
import { clean, Text } from "../text";
import { StudyNumber } from "./number";
import { said } from "./trace";

const RULE = ["estimand", "margin", "level", "seeds", "pooling", "supported", "refuted"];
const LISTED = 400;

export function RuleOf({ study }: { study: Study }) {
  const code = study.run.study_code;
  const named: Record<string, string> = { supported: "supported, if", refuted: "refuted, if" };
  return (
    <>
      <p class="lead"><Text of={study.claim} /> <span class="minor">(<Text of={study.source} />)</span></p>
      <dl class="facts-list">
        {RULE.map((name) => <><dt>{named[name] ?? name}</dt><dd><Text of={study.rule[name] ?? "— not stated"} /></dd></>)}
        <dt>undecided, if</dt><dd>neither holds, or a cell is missing</dd>
        <dt>revision</dt>
        <dd>{code ? <><code>{clean(code.revision).slice(0, 12)}</code>{code.changed ? " with changes that were not committed" : ", committed before this run"}</> : "— the run was not made in a repository"}</dd>
      </dl>
    </>
  );
}

export function WhatWasRun({ study }: { study: Study }) {
  const run = study.run;
  const cells = Object.entries(study.cells ?? {});
  const facts: [string, string][] = [
    ["cells", `${count(run.done)} of ${count(run.cells)} finished, ${count(run.rows)} rows`],
    ["seeds", count(run.seeds)],
    ["diverged", isNumber(run.diverged) && run.diverged > 0 ? `${count(run.diverged)} runs, marked and never averaged` : "none"],
    ["cost", `${duration(run.core_seconds)} of one core; ${duration(run.seconds)} on ${count(run.workers)} ${run.on === "ray" ? "Ray workers" : "processes"}`],
    ["machine", clean(run.machine) || "— not recorded"],
    ["python", clean(run.python) || "— not recorded"],
    ...(run.added ? [["added later", `${count(run.added.cells.length)} cells that the rule does not read, on ${clean(run.added.finished).slice(0, 10)} at revision ${clean(run.added.revision).slice(0, 12)}`] as [string, string]] : []),
  ];
  return (
    <>
      <dl class="facts-list">
        {facts.map(([name, value]) => <><dt>{name}</dt><dd><Text of={value} /></dd></>)}
        <dt>packages</dt>
        <dd>{Object.entries(run.packages ?? {}).map(([name, version]) => <span class="package"><Text of={name} /> <Text of={version} /></span>)}</dd>
      </dl>
      {!!run.failed?.length && (
        <>
          <h3>Cells that failed</h3>
          <ul>{run.failed.map((cell) => <li><code><Text of={cell.cell} /></code> <Text of={cell.reason} /></li>)}</ul>
        </>
      )}
      <Fold summary={`all ${count(cells.length)} cells`}>
        <div class="wide">
          <table>
            <thead><tr><th scope="col">cell</th><th scope="col">settings</th><th scope="col">ended</th><th scope="col">took</th></tr></thead>
            <tbody>
              {cells.slice(0, LISTED).map(([hash, cell]) => (
                <tr>
                  <th scope="row"><code>{clean(hash)}</code></th>
                  <td>{Object.entries(cell.spec).filter(([key]) => key !== "study").map(([key, value]) => <span class="package"><Text of={key} /> <Text of={said(value)} /></span>)}</td>
                  <td><Text of={cell.end} /></td>
                  <td>{duration(cell.seconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {cells.length > LISTED && <p>The json has the other {count(cells.length - LISTED)}.</p>}
      </Fold>
    </>
  );
}

export function Comparison({ study }: { study: Study }) {
  const rows = study.comparison ?? [];
  if (!rows.length) return <Absent what="Published figures" why="none are known for this claim" />;
  return (
    <table class="cards">
      <thead><tr><th scope="col">what</th><th scope="col">published</th><th scope="col">here</th><th scope="col">where</th></tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            <th scope="row"><Text of={row.what} /></th>
            <td data-label="published"><Text of={row.published} /></td>
            <td data-label="here">{row.ours ? <StudyNumber e={row.ours} /> : <span class="minor">see the figures</span>}</td>
            <td data-label="where"><Text of={row.where} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function RunAgain({ study }: { study: Study }) {
  const rerun = study.rerun;
  if (!rerun) return <Absent what="The command" why="not recorded" />;
  return (
    <>
      <pre class="command" tabIndex={0}><bdi>{clean(rerun.command)}</bdi></pre>
      <p class="minor">One cell alone, by the hash that every mark and every row carries:</p>
      <pre class="command" tabIndex={0}><bdi>{clean(rerun.cell)}</bdi></pre>
      <dl class="facts-list"><dt>heldout</dt><dd><Text of={study.version ?? "— not recorded"} /></dd></dl>
    </>
  );
}
