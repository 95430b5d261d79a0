// A figure: the drawing, a one-line caption (what it shows, n, method) and how it was measured.
import type { ComponentChildren } from "preact";
import { Fold } from "../fold";
import { ExportButtons } from "./export";
import { Text } from "../text";

interface Props {
  id: string;
  caption: ComponentChildren;
  how: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}

export function Figure({ id, caption, how, children, class: className = "" }: Props) {
  return (
    <figure id={id} class={className}>
      {children}
      <figcaption>{caption} <ExportButtons of={id} name={id} /></figcaption>
      <Fold summary="how was this measured">{how}</Fold>
    </figure>
  );
}

/** What stands in a figure's place when there is nothing to draw. */
export function Absent({ what, why }: { what: string; why: string }) {
  return (
    <p class="absent">
      <span class="dash">—</span> {what}: <Text of={why} />
    </p>
  );
}
