// Every measure over the steps, with one cursor at the step that is shown; pointing moves it.
import { Lines } from "../charts/lines";
import { extent, scoreDomain } from "../charts/scale";
import { positive } from "../charts/decades";
import { count, isNumber, plain } from "../numbers";
import type { Maybe } from "../schema";
import type { ExploredRun } from "../schemas/explorable";
import { clean, short } from "../text";

/** A branch beside the run: thin, in a colour of its own. */
export interface Beside {
  name: string;
  class: string;
  steps: number[];
  measures: Record<string, Maybe<number>[]>;
}

interface Props {
  run: ExploredRun;
  beside?: Beside[];
  step: number;
  onStep: (step: number) => void;
}

/** The last step up to `step` that has a value. */
function last(run: ExploredRun, values: (number | null | undefined)[], step: number): number | null {
  let found: number | null = null;
  run.steps.forEach((s, i) => {
    if (s <= step && isNumber(values[i])) found = i;
  });
  return found;
}

function pointsOf(one: Beside, name: string, log: boolean, wide: boolean) {
  return one.steps
    .map((x, i) => ({ x, y: one.measures[name]?.[i] }))
    .filter((p) => (!wide || p.x > 0) && isNumber(p.y) && (!log || p.y > 0));
}

export function Measures({ run, beside = [], step, onStep }: Props) {
  const all = extent([...run.steps, ...beside.flatMap((one) => one.steps)], 0) ?? [0, 1];
  const first = Math.min(...run.steps.filter((s) => s > 0));
  const wide = first > 0 && all[1] / first >= 50; // most happens early: steps on a log axis, with step 0 at its edge
  const span: [number, number] = wide ? [first, all[1]] : all;
  return (
    <div class="measures-grid">
      {Object.entries(run.measures).map(([name, values]) => {
        const log = run.log_measures?.includes(name) ?? false;
        const ends = run.intervals?.[name];
        const others = beside.filter((one) => one.measures[name]);
        const drawn = [...values, ...others.flatMap((one) => one.measures[name] ?? [])];
        const domain = (log ? positive(drawn) : scoreDomain(ends ? [...drawn, ...ends.low, ...ends.high] : drawn, 0.06)) ?? [0, 1];
        const here = last(run, values, step);
        const value = here === null ? null : (values[here] ?? null);
        const [low, high] = here === null ? [null, null] : [ends?.low[here] ?? null, ends?.high[here] ?? null];
        const points = run.steps.map((x, i) => ({ x, y: log && !((values[i] ?? 0) > 0) ? null : values[i], low: ends?.low[i], high: ends?.high[i] }));
        const shown = `${plain(value)}${isNumber(low) && isNumber(high) ? ` [${plain(low)}, ${plain(high)}]` : ""}${ends && here !== null && run.steps[here] !== step ? ` at step ${count(run.steps[here])}` : ""}`;
        return (
          <div>
            <p class="measure-name"><strong>{short(name, 40)}</strong> <span class="number">{shown}</span></p>
            <Lines
              lines={[
                { class: "own", points: ends ? points.filter((p) => isNumber(p.y)) : points },
                ...others.map((one) => ({ class: one.class, points: pointsOf(one, name, log, wide) })),
              ]}
              label={`${clean(name)} over the steps; ${shown} at step ${step}${others.length ? `; beside it ${others.map((one) => clean(one.name)).join(", ")}` : ""}`}
              xName="step"
              yName=""
              x={span}
              y={domain}
              log={{ x: wide, y: log }}
              height={170}
              maxWidth={480}
              over={(x, _, frame) => (
                <g>
                  <line class="cursor" x1={x(Math.min(span[1], Math.max(span[0], step)))} x2={x(Math.min(span[1], Math.max(span[0], step)))} y1={frame.top} y2={frame.bottom} />
                  <rect
                    class="catcher traced"
                    x={frame.left}
                    y={frame.top}
                    width={frame.right - frame.left}
                    height={frame.bottom - frame.top}
                    onPointerDown={(event) => {
                      const box = event.currentTarget.getBoundingClientRect();
                      onStep(x.invert(frame.left + ((event.clientX - box.left) / box.width) * (frame.right - frame.left)));
                    }}
                  />
                </g>
              )}
            />
          </div>
        );
      })}
    </div>
  );
}
