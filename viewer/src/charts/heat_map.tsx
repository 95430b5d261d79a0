// A map of settings: colour says the value, or with words the kind; every field can lead to its cell.
import { isNumber, plain } from "../numbers";
import type { Maybe } from "../schema";
import type { HeatMapFigure, Role } from "../schemas/study";
import { clean, short } from "../text";
import { Chart } from "./chart";

const LEGIBLE = 46; // pixels of a field that can hold a number
const TONES: Record<string, Role> = {
  memorizes: "rote",
  groks: "rule",
  comprehends: "rule",
  generalizes: "rule",
  confuses: "chance",
};

/** The share of the way from the least to the greatest value. */
function shares(values: Maybe<number>[][]): (value: number) => number {
  const all = values.flat().filter(isNumber);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return (value) => (high > low ? (value - low) / (high - low) : 0.5);
}

const FIRM: Record<string, number> = { groks: 0.5, confuses: 0.7 };

const first = (word: Maybe<string>) => clean(word).toLowerCase().split(" ")[0] ?? "";

function tone(word: Maybe<string>): Role {
  return TONES[first(word)] ?? "other";
}

/** Kinds of one colour differ in strength; the number stands beside the word. */
function firmness(word: Maybe<string>): number {
  return FIRM[first(word)] ?? (TONES[first(word)] ? 0.95 : 0.3);
}

interface Props {
  figure: HeatMapFigure;
  shown: string | null;
  onHover: (cell: string | null) => void;
  onChoose: (cell: string | null) => void;
}

export function HeatMap({ figure, shown, onHover, onChoose }: Props) {
  const { x, y, values, words, cells } = figure;
  const share = shares(values);
  const known = values.flat().filter(isNumber);
  const kinds = [...new Set((words ?? []).flat().filter((w): w is string => !!w))];
  const told = y.map((name, row) => `${clean(name)}: ${x.map((_, i) => [words?.[row]?.[i], plain(values[row]?.[i])].filter(Boolean).map(clean).join(" ")).join(", ")}`);
  const margin = Math.min(150, 16 + 7 * Math.max(...y.map((name) => clean(name).length), 2));
  const longest = Math.min(20, Math.max(...x.map((name) => clean(name).length), 1));
  // Names that do not fit below their columns are written slanted: how far these reach down.
  const slant = (width: number) => {
    const wide = (width - margin - 4) / x.length;
    return longest > 4 && longest * 7.4 > wide * Math.max(1, Math.ceil(34 / wide)) ? longest * 5 : 0;
  };
  return (
    <>
      <p class="legend" aria-hidden="true">
        {kinds.length ? (
          kinds.map((kind) => <span class={`role-${tone(kind)}`}><i class="key-field" style={{ opacity: firmness(kind) }} />{short(kind, 40)}</span>)
        ) : (
          <span class="role-rule">
            {plain(known.length ? Math.min(...known) : null)} <svg class="key" width="80" height="12">{Array.from({ length: 20 }, (_, i) => <rect class="field" x={i * 4} y={0} width={4.2} height={12} fill-opacity={strength(i / 19)} />)}</svg> {plain(known.length ? Math.max(...known) : null)}
          </span>
        )}
        <span>{short(figure.value_name, 60)}</span>
      </p>
      <Chart
        label={`${clean(figure.title)}, ${clean(figure.value_name)} by ${clean(figure.x_name)} (across) and ${clean(figure.y_name)}. ${told.join("; ")}.`}
        height={(width) => 44 + y.length * tall(width, margin, x.length, y.length) + 40 + slant(width)}
        maxWidth={Math.max(420, margin + x.length * 104)}
      >
        {(width) => {
          const wide = (width - margin - 4) / x.length;
          const high = tall(width, margin, x.length, y.length);
          const top = 26;
          const bottom = top + y.length * high;
          const gap = Math.min(wide, high) < 16 ? 0 : 1.5;
          const down = slant(width);
          const every = Math.max(1, Math.ceil((down ? 16 : 34) / wide));
          const everyRow = Math.max(1, Math.ceil(14 / high));
          return (
            <g onPointerLeave={() => onHover(null)}>
              <text class="axis-name quiet-text" x={0} y={12}>{short(figure.y_name, Math.floor(width / 7))}</text>
              {y.map((name, row) => (
                <g>
                  {row % everyRow === 0 && <text class="quiet-text" x={margin - 8} y={top + (row + 0.5) * high} dy="0.35em" text-anchor="end">{short(name, 20)}</text>}
                  {x.map((_, i) => {
                    const value = values[row]?.[i];
                    const word = words?.[row]?.[i];
                    const cell = cells?.[row]?.[i] ?? null;
                    const full = kinds.length && word ? firmness(word) : isNumber(value) ? strength(share(value)) : 0;
                    const middle = [margin + (i + 0.5) * wide, top + (row + 0.5) * high] as const;
                    const two = !!word && high >= 40 && isNumber(value);
                    return (
                      <g
                        class={`role-${kinds.length ? tone(word) : "rule"} ${cell ? "traced" : ""}`}
                        onPointerEnter={() => onHover(cell)}
                        onClick={() => cell && onChoose(cell)}
                      >
                        <title>{`${clean(x[i])}, ${clean(name)}: ${isNumber(value) ? plain(value) : "no value"}${word ? `, ${clean(word)}` : ""}`}</title>
                        <rect class="under" x={margin + i * wide} y={top + row * high} width={wide - gap} height={high - gap} />
                        <rect class={`field ${cell && cell === shown ? "shown" : ""}`} x={margin + i * wide} y={top + row * high} width={wide - gap} height={high - gap} fill-opacity={full} />
                        {wide >= LEGIBLE && high >= 18 && (
                          <text class={full > 0.55 ? "on" : ""} x={middle[0]} y={middle[1]} dy={two ? "-0.2em" : "0.35em"} text-anchor="middle">
                            {word ? short(word, Math.floor(wide / 7)) : isNumber(value) ? plain(value) : "—"}
                          </text>
                        )}
                        {wide >= LEGIBLE && two && <text class={`${full > 0.55 ? "on" : ""} second`} x={middle[0]} y={middle[1]} dy="1.1em" text-anchor="middle">{plain(value)}</text>}
                      </g>
                    );
                  })}
                </g>
              ))}
              {x.map((name, i) => {
                const middle = margin + (i + 0.5) * wide;
                if (i % every !== 0) return null;
                if (down) return <text class="quiet-text" x={middle + 4} y={bottom + 14} text-anchor="end" transform={`rotate(-40 ${middle + 4} ${bottom + 14})`}>{short(name, 20)}</text>;
                return <text class="quiet-text" x={middle} y={bottom + 15} text-anchor="middle">{short(name, Math.max(4, Math.floor((wide * every) / 7)))}</text>;
              })}
              <text class="axis-name quiet-text" x={margin + (width - margin) / 2} y={bottom + 34 + down} text-anchor="middle">{short(figure.x_name, Math.floor(width / 8))}</text>
            </g>
          );
        }}
      </Chart>
    </>
  );
}

/** Never so faint that a field looks empty. */
function strength(share: number): number {
  return 0.06 + 0.9 * share;
}

/** Fields are square where that is not too tall. */
function tall(width: number, margin: number, columns: number, rows: number): number {
  return Math.max(6, Math.min(52, (width - margin) / columns, Math.max(22, 460 / rows), 700 / rows));
}
