// Every measure, with its control and cost; the method on demand. What was withheld says why.
import { useMemo, useState } from "preact/hooks";
import { Absent } from "../charts/figure";
import { count, duration, isNumber, isOk, percentLevel, plain } from "../numbers";
import { usePrinting } from "../printing";
import type { Measure, Report } from "../schema";
import { clean, Text } from "../text";
import { Value } from "../value";
import { whyAbsent } from "../absence";

type Key = "name" | "value" | "control" | "cost" | "status";

const COLUMNS: [Key, string][] = [
  ["name", "measure"],
  ["value", "value"],
  ["control", "control"],
  ["cost", "cost"],
  ["status", "status"],
];

function isWithheld(m: Measure): boolean {
  return (!!m.status && m.status !== "ok") || !isOk(m.value);
}

function statusOf(m: Measure): string {
  if (m.status && m.status !== "ok") return m.status;
  return isOk(m.value) ? "ok" : m.value?.status || "no value given";
}

function sortValue(m: Measure, key: Key): string | number {
  const nothing = Infinity; // what has no number goes last
  if (key === "value") return isWithheld(m) ? nothing : (m.value?.value ?? nothing);
  if (key === "control") return isOk(m.control) ? m.control.value : nothing;
  if (key === "cost") return m.cost_seconds ?? nothing;
  if (key === "status") return isWithheld(m) ? `1${statusOf(m)}` : "0";
  return clean(m.name);
}

function compare(a: Measure, b: Measure, key: Key, down: boolean): number {
  const [x, y] = [sortValue(a, key), sortValue(b, key)];
  if (x === Infinity || y === Infinity) return Number(x === Infinity) - Number(y === Infinity);
  const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
  return down ? -order : order;
}

function Details({ m }: { m: Measure }) {
  const e = m.value;
  const rows: [string, string][] = [
    ["method", clean(m.method || e?.method)],
    ["formula", clean(m.formula)],
    ["room", clean(m.room)],
    ["source", clean(m.source)],
    ["n", isNumber(e?.n) ? count(e.n) : ""],
    ["level", isNumber(e?.level) ? percentLevel(e.level) : ""],
    ["standard error", isNumber(e?.stderr) ? plain(e.stderr) : ""],
    ["control's method", clean(m.control?.method)],
  ];
  return (
    <dl class="details">
      {rows.filter(([, text]) => text).map(([name, text]) => <><dt>{name}</dt><dd><bdi>{text}</bdi></dd></>)}
    </dl>
  );
}

function Row({ m }: { m: Measure }) {
  const printing = usePrinting();
  const [open, setOpen] = useState(false);
  const shown = open || printing;
  const withheld = isWithheld(m);
  return (
    <tbody class={withheld ? "is-withheld" : ""}>
      <tr>
        <th scope="row"><Text of={m.name} />{m.unit && <span class="unit">, <Text of={m.unit} /></span>}</th>
        <td data-label="value">{withheld ? "—" : <Value e={m.value} />}</td>
        <td data-label="control">{m.control && !(withheld && !isOk(m.control)) ? <Value e={m.control} /> : <span class="minor">{withheld ? "—" : "none"}</span>}</td>
        <td data-label="cost" class="cost">{duration(m.cost_seconds)}</td>
        <td data-label="status" class="status">{withheld ? <Text of={statusOf(m)} /> : "ok"}</td>
        <td class="how">
          <button type="button" class="link" aria-expanded={shown} aria-label={`method of ${clean(m.name)}`} onClick={() => setOpen(!open)}>
            method <span aria-hidden="true">{shown ? "▾" : "▸"}</span>
          </button>
        </td>
      </tr>
      {shown && <tr class="detail-row"><td colSpan={COLUMNS.length + 1}><Details m={m} /></td></tr>}
    </tbody>
  );
}

export function Measures({ report }: { report: Report }) {
  const [sort, setSort] = useState<{ key: Key; down: boolean } | null>(null);
  const measures = report.measures ?? [];
  const rows = useMemo(
    () => (sort ? [...measures].sort((a, b) => compare(a, b, sort.key, sort.down)) : measures),
    [measures, sort],
  );
  if (!rows.length) return <Absent what="Measures" why={whyAbsent(report, "measures")} />;
  const withheld = rows.filter(isWithheld).length;
  const costs = rows.map((m) => m.cost_seconds).filter(isNumber);
  const total = costs.length ? `; ${duration(costs.reduce((sum, cost) => sum + cost, 0))} in all` : "";
  return (
    <>
      <p class="caption">
        {count(rows.length)} measures, {count(withheld)} of them withheld with their reason{total}. A value
        stands with its interval; its method, formula and source unfold.
      </p>
      <table class="cards measures">
        <thead>
          <tr>
            {COLUMNS.map(([key, name]) => {
              const mine = sort?.key === key;
              return (
                <th scope="col" aria-sort={mine ? (sort.down ? "descending" : "ascending") : "none"}>
                  <button type="button" class="sort" onClick={() => setSort({ key, down: mine ? !sort.down : false })}>
                    {name} <span aria-hidden="true" class={mine ? "" : "faint"}>{mine && sort.down ? "▾" : "▴"}</span>
                  </button>
                </th>
              );
            })}
            <th scope="col"><span class="unseen">method</span></th>
          </tr>
        </thead>
        {rows.map((m) => <Row key={`${m.room ?? ""}/${m.name}`} m={m} />)}
      </table>
    </>
  );
}
