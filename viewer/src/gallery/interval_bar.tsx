// An example's memorization with its interval, small, on the axis all examples share.
import { isNumber, isOk } from "../numbers";
import type { Estimate, Example, Maybe } from "../schema";

export function sharedDomain(items: Example[]): [number, number] {
  const values = items.flatMap(({ memorization: e }) => (isOk(e) ? [e.value, e.low, e.high] : [])).filter(isNumber);
  return [Math.min(0, ...values), Math.max(0, ...values) || 1];
}

export function IntervalBar({ e, domain }: { e: Maybe<Estimate>; domain: [number, number] }) {
  if (!isOk(e)) return null;
  const at = (value: number) => 4 + (92 * (value - domain[0])) / (domain[1] - domain[0]);
  return (
    <svg class="interval-bar" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
      <line class="base" x1={4} x2={96} y1={6} y2={6} />
      <line class="zero" x1={at(0)} x2={at(0)} y1={1} y2={11} />
      {isNumber(e.low) && isNumber(e.high) && <line class="span" x1={at(e.low)} x2={at(e.high)} y1={6} y2={6} />}
      <line class="point" x1={at(e.value)} x2={at(e.value)} y1={1.5} y2={10.5} />
    </svg>
  );
}
