// The filter of the list: words that must all occur, and comparisons such as gap<0.1 (spaces of a name as _).
import { isNumber } from "../numbers";
import type { RunLine } from "../schemas/view";

const COMPARISON = /^([a-z][\w-]*)(<|>)(-?[\d.]+(?:e-?\d+)?)$/i;

export type Test = (run: RunLine) => boolean;

function numberOf(run: RunLine, name: string): number | null {
  const wanted = name.replace(/_/g, " ").toLowerCase();
  if (wanted === "seed" || wanted === "step" || wanted === "took" || wanted === "attempt") return run[wanted] ?? null;
  const key = Object.keys(run.last).find((k) => k.toLowerCase().replace(/_/g, " ") === wanted);
  const found = key === undefined ? null : run.last[key];
  return isNumber(found) ? found : null;
}

export function filterOf(text: string): Test {
  const tests = text
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map((term): Test => {
      const [, name, sign, bound] = COMPARISON.exec(term) ?? [];
      if (name && bound) {
        return (run) => {
          const value = numberOf(run, name);
          return value !== null && (sign === "<" ? value < Number(bound) : value > Number(bound));
        };
      }
      const word = term.toLowerCase();
      return (run) => [run.name, run.id, run.kind, run.status, run.phase, run.outcome, run.reason].some((t) => String(t ?? "").toLowerCase().includes(word));
    });
  return (run) => tests.every((test) => test(run));
}

export type Key = (run: RunLine) => string | number | null | undefined;

/** Sorted by a key, runs without it last in either direction; equal ones keep their order. */
export function sorted(runs: RunLine[], key: Key, down: boolean): RunLine[] {
  const sign = down ? -1 : 1;
  return runs
    .map((run, i) => ({ run, i, at: key(run) }))
    .sort((a, b) => {
      const [p, q] = [a.at, b.at];
      const [noP, noQ] = [p === null || p === undefined || p === "", q === null || q === undefined || q === ""];
      if (noP || noQ) return Number(noP) - Number(noQ) || a.i - b.i;
      if (typeof p === "number" && typeof q === "number") return sign * (p - q) || a.i - b.i;
      return sign * String(p).localeCompare(String(q)) || a.i - b.i;
    })
    .map(({ run }) => run);
}
