// Every point leads back to its run: what a mark's cell was asked to do, how it ended, and the command that repeats it.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { duration } from "../numbers";
import type { Maybe } from "../schema";
import type { Cell } from "../schemas/study";
import { clean, short, Text } from "../text";

export interface Cells {
  of: Record<string, Cell>;
  command: string; // with HASH where the cell's hash goes
}

const Known = createContext<Cells>({ of: {}, command: "" });

export const CellsProvider = Known.Provider;

/** A mark that leads to a cell: its hash, and what the figure calls it. */
export interface Traced {
  cell: string;
  name: string;
}

export function said(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The settings of a cell as "decay 1, seed 2000". */
export function settings(cell: Maybe<Cell>): string {
  const named = Object.entries(cell?.spec ?? {}).filter(([key]) => key !== "study");
  return named.map(([key, value]) => `${key} ${said(value)}`).join(", ");
}

interface Props {
  marks: Traced[];
  chosen: string | null;
  hovered: string | null;
  onChoose: (cell: string | null) => void;
}

export function Trace({ marks, chosen, hovered, onChoose }: Props) {
  const cells = useContext(Known);
  if (!marks.length) return null;
  const shown = hovered ?? chosen;
  const cell = shown === null ? undefined : cells.of[shown];
  return (
    <div class="trace screen-only">
      <label>
        <span class="tiny">run behind a mark </span>
        <select value={chosen ?? ""} onChange={(event) => onChoose(event.currentTarget.value || null)}>
          <option value="">point at one, or choose</option>
          {marks.map((mark) => <option value={mark.cell}>{short(mark.name, 60)} · {clean(mark.cell)}</option>)}
        </select>
      </label>
      <div class="trace-of" aria-live="polite">
        {shown === null ? (
          <p class="tiny">The settings, seed and hash of the run stand here, with the command that repeats it.</p>
        ) : (
          <>
            <p class="tiny">
              <code><Text of={shown} /></code> <Text of={short(settings(cell) || "its settings are not in this file", 300)} />
              {cell && <> · {clean(cell.end)} in {duration(cell.seconds)}</>}
            </p>
            <pre class="command small" tabIndex={0}><bdi>{clean(cells.command.replace("HASH", shown))}</bdi></pre>
          </>
        )}
      </div>
    </div>
  );
}
