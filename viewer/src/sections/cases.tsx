// Every case with its truth, estimate, coverage and cost, or the reason why there is no answer.
import { useMemo, useState } from "preact/hooks";
import { count, duration, isNumber, plain } from "../numbers";
import type { Maybe } from "../schema";
import type { Case } from "../schemas/calibrate";
import { Text } from "../text";

interface Column {
  name: string;
  of: (c: Case) => Maybe<number>;
}

const COLUMNS: Column[] = [
  { name: "truth", of: (c) => c.truth },
  { name: "mean", of: (c) => c.mean },
  { name: "rms error", of: (c) => c.error },
  { name: "z", of: (c) => c.z },
  { name: "covered", of: (c) => (c.answered ? c.covered / c.answered : null) },
  { name: "cost", of: (c) => c.seconds },
];

function error(c: Case): string {
  if (!isNumber(c.error)) return "—";
  if (c.error < 1e-12) return "0";
  return isNumber(c.truth) && c.truth !== 0 ? `${plain(100 * c.error)} %` : plain(c.error);
}

export function Cases({ cases }: { cases: Case[] }) {
  const names = useMemo(() => [...new Set(cases.map((c) => c.instrument))], [cases]);
  const [only, setOnly] = useState<string | null>(null);
  const [sort, setSort] = useState<{ key: string; down: boolean } | null>(null);
  const shown = useMemo(() => {
    const mine = cases.filter((c) => !only || c.instrument === only);
    const column = COLUMNS.find((c) => c.name === sort?.key);
    if (!column || !sort) return mine;
    const value = (c: Case) => column.of(c) ?? (sort.down ? -Infinity : Infinity);
    return [...mine].sort((a, b) => (sort.down ? value(b) - value(a) : value(a) - value(b)) || 0);
  }, [cases, only, sort]);
  return (
    <>
      <div class="filters buttons" role="group" aria-label="show one instrument">
        {names.map((name) => (
          <button type="button" class="chip" aria-pressed={only === name} onClick={() => setOnly(only === name ? null : name)}><Text of={name} /></button>
        ))}
      </div>
      <p class="caption">{count(shown.length)} cases; z is the root mean square of the z-scores, about 1 where the errors are honest.</p>
      <table class="cards numbers cases">
        <thead>
          <tr>
            <th scope="col">case</th>
            {COLUMNS.map((column) => {
              const mine = sort?.key === column.name;
              return (
                <th scope="col" aria-sort={mine ? (sort.down ? "descending" : "ascending") : "none"}>
                  <button type="button" class="sort" onClick={() => setSort({ key: column.name, down: mine ? !sort.down : true })}>
                    {column.name} <span aria-hidden="true" class={mine ? "" : "faint"}>{mine && !sort.down ? "▴" : "▾"}</span>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((c) => (
            <tr class={c.answered ? "" : "is-withheld"}>
              <th scope="row">
                <span class="minor"><Text of={c.instrument} /> · </span><Text of={c.case} />
                {c.answered < c.runs && <span class="tiny reason"> {count(c.runs - c.answered)} of {count(c.runs)} runs withheld: <Text of={c.reason || "no reason given"} /></span>}
              </th>
              <td data-label="truth">{plain(c.truth)}</td>
              <td data-label="mean">{plain(c.mean)}</td>
              <td data-label="rms error">{error(c)}</td>
              <td data-label="z">{isNumber(c.z) ? c.z.toFixed(2) : "—"}</td>
              <td data-label="covered">{c.answered ? `${c.covered} of ${c.answered}` : "—"}</td>
              <td data-label="cost"><span>{duration(c.seconds)}{isNumber(c.gradients) && <span class="tiny"> {plain(Math.round(c.gradients))} gradients</span>}</span></td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
