// The methods behind a figure's numbers, each said once.
import { count, isNumber, percentLevel } from "./numbers";
import type { Estimate, Maybe } from "./schema";
import { clean, Text } from "./text";

/** The distinct methods of some estimates, in order of appearance. */
export function methodsOf(estimates: Maybe<Estimate>[]): string[] {
  const found = new Set<string>();
  for (const e of estimates) if (e?.method) found.add(clean(e.method));
  return [...found];
}

/** The level most of the estimates have, as "95 %". */
export function levelOf(estimates: Maybe<Estimate>[]): string {
  return percentLevel(estimates.find((e) => isNumber(e?.level))?.level);
}

/** The n of some estimates: one number, or its range. */
export function countOf(estimates: Maybe<Estimate>[]): string {
  const all = estimates.map((e) => e?.n).filter((n): n is number => isNumber(n) && n > 0);
  if (!all.length) return "—";
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return low === high ? count(low) : `${count(low)}–${count(high)}`;
}

export function Methods({ of, lead = "Intervals" }: { of: Maybe<Estimate>[]; lead?: string }) {
  const methods = methodsOf(of);
  if (!methods.length) return <p>{lead}: the report names no method.</p>;
  return (
    <p>
      {lead} ({levelOf(of)} level): {methods.map((m, i) => <>{i > 0 && "; "}<Text of={m} /></>)}.
    </p>
  );
}
