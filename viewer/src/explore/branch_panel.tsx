// An intervention or a missing run: its command, and how the run of that command stands.
import type { Explorable, ToRun } from "../schemas/explorable";
import { clean, short } from "../text";
import { stateOf, useBranches } from "./live";

interface Command {
  one: ToRun;
  again: Explorable["again"];
  onOpen: () => void; // scrub through its run
}

export function CommandOf({ one, again, onOpen }: Command) {
  const live = useBranches();
  const found = live?.of[one.cell ?? ""];
  if (!live) {
    return (
      <>
        <pre class="command" tabIndex={0}><bdi>{clean(one.command)}{again ? `\n${clean(again)}` : ""}</bdi></pre>
        <p class="tiny">
          The page starts nothing itself: run these commands, then open the page that the last one writes; the new run is in its
          list. This file is not fed by anything: <code>heldout view</code> draws such a run live, as it is trained.
        </p>
      </>
    );
  }
  return (
    <>
      <pre class="command" tabIndex={0}><bdi>{clean(one.command)}</bdi></pre>
      <p class={`branch-state state-${found?.state ?? "waiting"}`} role="status">
        {stateOf(found)}{live.lost && "; the server does not answer, this is what was last known"}
      </p>
      {found?.whole && <p class="screen-only"><button type="button" onClick={onOpen}>scrub through this run</button></p>}
      {!found && <p class="tiny">The page starts nothing itself: run the command in a terminal, and the run is drawn here from its first look on.</p>}
    </>
  );
}

interface Props {
  of: ToRun[];
  chosen: string;
  again: Explorable["again"];
  onChoose: (cell: string) => void;
  onOpen: (one: ToRun) => void;
}

export function BranchPanel({ of, chosen, again, onChoose, onOpen }: Props) {
  const live = useBranches();
  const one = of.find((o) => (o.cell ?? o.name) === chosen) ?? of[0];
  if (!one) return null;
  const word = (o: ToRun) => live?.of[o.cell ?? ""]?.state;
  return (
    <div class="branches">
      <label>intervention{" "}
        <select value={one.cell ?? one.name} onChange={(event) => onChoose(event.currentTarget.value)}>
          {of.map((o) => <option value={o.cell ?? o.name}>{short(o.name, 60)}{word(o) ? ` (${word(o)})` : ""}</option>)}
        </select>
      </label>
      <CommandOf one={one} again={again} onOpen={() => onOpen(one)} key={one.cell ?? one.name} />
    </div>
  );
}
