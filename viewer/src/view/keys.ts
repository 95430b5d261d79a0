// Keys of the page: single letters that do nothing while something is being typed.
import { useLayoutEffect } from "preact/hooks";

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && !(target instanceof HTMLInputElement && target.type === "checkbox");
}

/** Keys that an element with the focus uses itself. */
function used(event: KeyboardEvent): boolean {
  const on = event.target;
  return event.key === "Enter" && on instanceof HTMLElement && /^(A|BUTTON|SUMMARY|INPUT)$/.test(on.tagName);
}

export function useKeys(keys: Record<string, () => unknown>): void {
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || used(event)) return;
      const act = keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  });
}
