// A fold: detail on demand, open on paper.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { usePrinting } from "./printing";

interface Props {
  summary: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}

export function Fold({ summary, children, class: className = "" }: Props) {
  const printing = usePrinting();
  const [open, setOpen] = useState(false);
  return (
    <details
      class={`fold ${className}`}
      open={open || printing}
      onToggle={(event) => {
        if (!printing) setOpen(event.currentTarget.open);
      }}
    >
      <summary>{summary}</summary>
      <div class="fold-body">{children}</div>
    </details>
  );
}
