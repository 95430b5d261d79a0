// Examples that are rows of a table.
import { plain, probability } from "../numbers";
import type { Example } from "../schema";
import { clean, short, Text } from "../text";
import { Value } from "../value";
import { describe, differs, Flags, known } from "./card";
import { IntervalBar } from "./interval_bar";
import { useRoving } from "./roving";

interface Props {
  items: Example[];
  columns: string[];
  scoreName: string;
  domain: [number, number];
  onPoint: (id: string | null) => void;
}

export function Rows({ items, columns, scoreName, domain, onPoint }: Props) {
  const roving = useRoving<HTMLTableSectionElement>(items.length);
  return (
    <div class="wide" tabIndex={0} role="region" aria-label="examples as a table, scrolls sideways">
      <table class="example-rows">
        <thead>
          <tr>
            <th scope="col">id</th><th scope="col">given</th><th scope="col">likely</th><th scope="col">{clean(scoreName)}</th>
            <th scope="col">unseen</th><th scope="col">p</th><th scope="col">flags</th>
            {columns.map((name) => <th scope="col" class="feature">{short(name, 24)}</th>)}
          </tr>
        </thead>
        <tbody ref={roving.place} onKeyDown={roving.onKeyDown}>
          {items.map((item, i) => (
            <tr
              key={String(item.id)}
              data-example={String(item.id)}
              class={item.flags?.includes("memorized") ? "is-memorized" : ""}
              tabIndex={roving.tabIndex(i)}
              aria-label={describe(item)}
              onFocus={() => {
                roving.onFocus(i);
                onPoint(String(item.id));
              }}
              onBlur={() => onPoint(null)}
              onMouseEnter={() => onPoint(String(item.id))}
              onMouseLeave={() => onPoint(null)}
            >
              <th scope="row">{short(item.id, 24)}</th>
              <td>{known(item.given) ? <Text of={short(item.given, 40)} /> : "—"}</td>
              <td>{differs(item) ? <strong><Text of={short(item.likely, 40)} /></strong> : known(item.likely) ? <Text of={short(item.likely, 40)} /> : "—"}</td>
              <td><div class="held"><Value e={item.memorization} /><IntervalBar e={item.memorization} domain={domain} /></div></td>
              <td>{probability(item.out_confidence)}</td>
              <td>{probability(item.p_value)}</td>
              <td><Flags item={item} /></td>
              {columns.map((_, k) => <td class="feature">{plain(item.row?.[k])}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
