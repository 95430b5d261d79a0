// The keys, on demand.
import { useEffect, useRef } from "preact/hooks";

const KEYS: [string, string][] = [
  ["j, k or ↓, ↑", "move in the list of runs"],
  ["Enter or o", "open the run"],
  ["x", "choose it for comparing; c compares"],
  ["/", "filter; Esc leaves the field"],
  ["g", "back to the list of runs"],
  ["←, →", "on the slider of a run: read look by look"],
  ["Ctrl+Enter", "run the query"],
  ["?", "this help; Esc closes it"],
];

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) box.current?.showModal();
    else box.current?.close();
  }, [open]);
  return (
    <dialog ref={box} class="help" aria-labelledby="help-title" onClose={onClose}>
      <h2 id="help-title">Keys</h2>
      <dl class="facts-list">{KEYS.map(([key, what]) => <><dt>{key}</dt><dd>{what}</dd></>)}</dl>
      <p class="minor">The address of every view holds its runs, its filter and its scales: copy it to come back.</p>
      <button type="button" onClick={onClose}>close</button>
    </dialog>
  );
}
