// Which examples are shown, and why; each reason can be taken back.
import { count } from "../numbers";
import type { Example } from "../schema";
import { EVERYTHING, withFlag, type Selection } from "../selection";
import { short } from "../text";

interface Props {
  items: Example[];
  shown: number;
  selection: Selection;
  onSelect: (selection: Selection) => void;
}

function flagsOf(items: Example[]): [string, number][] {
  const found = new Map<string, number>();
  for (const item of items) for (const flag of item.flags ?? []) found.set(flag, (found.get(flag) ?? 0) + 1);
  return [...found].sort((a, b) => b[1] - a[1]);
}

export function Filters({ items, shown, selection, onSelect }: Props) {
  const flags = flagsOf(items);
  const active = selection.flags.size > 0 || selection.ids !== null || selection.box !== null;
  return (
    <div class="filters">
      <div class="buttons" role="group" aria-label="show examples with these flags">
        {flags.map(([flag, n]) => (
          <button type="button" class="chip" aria-pressed={selection.flags.has(flag)} onClick={() => onSelect(withFlag(selection, flag))}>
            {short(flag, 40)} <span class="tiny">{count(n)}</span>
          </button>
        ))}
        {selection.ids && (
          <button type="button" class="chip" aria-pressed onClick={() => onSelect({ ...selection, ids: null, idsFrom: "" })}>
            {short(selection.idsFrom, 40)} <span aria-hidden="true">×</span>
          </button>
        )}
        {selection.box && (
          <button type="button" class="chip" aria-pressed onClick={() => onSelect({ ...selection, box: null })}>
            rectangle <span aria-hidden="true">×</span>
          </button>
        )}
      </div>
      <p class="gallery-count" aria-live="polite">
        {shown === items.length ? `${count(items.length)} examples` : `${count(shown)} of ${count(items.length)} examples`}
        {active && <button type="button" class="link clear" onClick={() => onSelect(EVERYTHING)}>show all</button>}
      </p>
    </div>
  );
}
