// An estimate of a study; one that was enumerated has no interval to show.
import { isNumber, plain } from "../numbers";
import type { Estimate } from "../schema";
import { Value } from "../value";

export function isExact(e: { value?: unknown; low?: unknown; high?: unknown }): boolean {
  return isNumber(e.value) && e.low === e.value && e.high === e.value;
}

export function StudyNumber({ e }: { e: Estimate }) {
  if (!isExact(e)) return <Value e={e} />;
  return <span class="value"><span class="number">{plain(e.value)}</span> <span class="interval">exactly</span></span>;
}
