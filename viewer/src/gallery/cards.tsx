// Examples that are pictures or texts.
import type { Example } from "../schema";
import { Card, describe } from "./card";
import { useRoving } from "./roving";

interface Props {
  items: Example[];
  kind: string;
  domain: [number, number];
  dropped: boolean;
  onPoint: (id: string | null) => void;
}

export function Cards({ items, kind, domain, dropped, onPoint }: Props) {
  const roving = useRoving<HTMLUListElement>(items.length);
  return (
    <ul class={`cards-grid kind-${kind === "image" || kind === "text" ? kind : "none"}`} ref={roving.place} onKeyDown={roving.onKeyDown}>
      {items.map((item, i) => (
        <li
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
          <Card item={item} kind={kind} domain={domain} dropped={dropped} />
        </li>
      ))}
    </ul>
  );
}
