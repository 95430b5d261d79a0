// Measures along training over one axis of steps: losses, learning coefficient, trace, with one cursor through all.
import { useMemo, useState } from "preact/hooks";
import { positive } from "../charts/decades";
import { Absent, Figure } from "../charts/figure";
import { Lines, type Line } from "../charts/lines";
import { extent } from "../charts/scale";
import { levelOf, Methods } from "../methods";
import { count, isNumber, isOk, spoken, whyNot } from "../numbers";
import type { Estimate, Maybe } from "../schema";
import type { Checkpoint } from "../schemas/trajectory";
import { Capital, Text } from "../text";

interface Series {
  name: string;
  class: string;
  of: (row: Checkpoint) => Maybe<Estimate>;
}

interface Panel {
  name: string;
  series: Series[];
}

const PANELS: Panel[] = [
  {
    name: "loss",
    series: [
      { name: "training loss", class: "own", of: (r) => r.train_loss },
      { name: "test loss", class: "test", of: (r) => r.test_loss },
    ],
  },
  { name: "learning coefficient", series: [{ name: "learning coefficient", class: "own", of: (r) => r.llc }] },
  { name: "trace of the Hessian", series: [{ name: "trace of the Hessian", class: "own", of: (r) => r.trace }] },
];

function measured(rows: Checkpoint[], series: Series): Estimate[] {
  return rows.map(series.of).filter(isOk);
}

/** The reasons of withheld values with how many share each, most frequent first. */
function reasons(rows: Checkpoint[], series: Series): [string, number][] {
  const found = new Map<string, number>();
  for (const row of rows) {
    const e = series.of(row);
    if (e && !isOk(e)) found.set(whyNot(e), (found.get(whyNot(e)) ?? 0) + 1);
  }
  return [...found].sort((a, b) => b[1] - a[1]);
}

interface PanelProps {
  panel: Panel;
  rows: Checkpoint[];
  x: [number, number];
  logX: boolean;
  at: number | null;
  onAt: (step: number | null) => void;
}

function PanelFigure({ panel, rows, x, logX, at, onAt }: PanelProps) {
  const shown = panel.series.filter((s) => measured(rows, s).length);
  const main = panel.series[0] as Series;
  if (!shown.length) return <Absent what={panel.name} why={reasons(rows, main)[0]?.[0] ?? "not measured"} />;
  const estimates = shown.flatMap((s) => measured(rows, s));
  const values = estimates.map((e) => e.value).filter(isNumber);
  const span = positive(values, 1.2);
  const log = values.every((v) => v > 0) && !!span && span[1] / span[0] > 40;
  const bands = estimates.flatMap((e) => [e.low, e.high]);
  const whole = extent([...values, ...bands.filter((v) => isNumber(v) && Math.abs(v) < 3 * Math.max(...values.map(Math.abs)))], 0.06) ?? [0, 1];
  const missing = rows.filter((r) => main.of(r) && !isOk(main.of(r))).map((r) => r.step);
  const why = reasons(rows, main);
  const lines = shown.map((s): Line => ({
    class: s.class,
    points: rows.map((r) => {
      const e = s.of(r);
      return isOk(e) ? { x: r.step, y: e.value, low: e.low, high: e.high } : { x: r.step, y: null };
    }),
  }));
  return (
    <Figure
      id={`along-${panel.name.split(" ")[0]}`}
      caption={
        <>
          <Capital of={shown.map((s) => s.name).join(" (solid) and ")} />{shown.length > 1 && " (dashed)"} at n = {count(measured(rows, main).length)} of {count(rows.length)} checkpoints; bands are {levelOf(estimates)} intervals.
          {why.length > 0 && <> Ticks at the foot: {count(missing.length)} withheld, most often: <Text of={why[0]?.[0]} />.</>}
        </>
      }
      how={
        <>
          <Methods of={estimates} lead="Estimates" />
          {why.length > 0 && <ul>{why.slice(0, 6).map(([reason, times]) => <li>{count(times)} withheld: <Text of={reason} /></li>)}</ul>}
        </>
      }
    >
      <Lines
        label={`${panel.name} along ${rows.length} checkpoints; first ${spoken(main.of(rows[0] as Checkpoint))}, last ${spoken(main.of(rows[rows.length - 1] as Checkpoint))}.`}
        xName="training step"
        yName={panel.name}
        x={x}
        y={log && span ? span : whole}
        log={{ x: logX, y: log }}
        height={230}
        maxWidth={920}
        lines={lines}
        under={(sx, _, f) => <path class="missing" d={missing.map((s) => `M${Math.max(f.left, sx(Math.max(s, x[0]))).toFixed(1)} ${f.bottom}v-6`).join("")} />}
        over={(sx, _, f) => isNumber(at) && <line class="cursor" x1={sx(Math.max(at, x[0]))} x2={sx(Math.max(at, x[0]))} y1={f.top} y2={f.bottom} />}
        onX={onAt}
      />
    </Figure>
  );
}

export function Along({ rows }: { rows: Checkpoint[] }) {
  const steps = useMemo(() => rows.map((r) => r.step), [rows]);
  const least = steps.find((s) => s > 0) ?? 1;
  const last = steps[steps.length - 1] ?? 1;
  const spread = steps.filter((s) => s > 0 && s < last / 10).length > rows.length / 3; // checkpoints crowd the beginning
  const [logX, setLogX] = useState(spread);
  const [index, setIndex] = useState<number | null>(null);
  if (!rows.length) return <Absent what="Checkpoints" why="the trajectory has none" />;
  const nearest = (step: number | null) => {
    if (step === null) return setIndex(null);
    const far = (s: number) => (logX ? Math.abs(Math.log(Math.max(s, least) / Math.max(step, 1e-9))) : Math.abs(s - step));
    setIndex(steps.reduce((best, s, i) => (far(s) < far(steps[best] as number) ? i : best), 0));
  };
  const row = index === null ? null : rows[index];
  const x: [number, number] = logX ? [least, Math.max(last, least * 2)] : [steps[0] ?? 0, Math.max(last, (steps[0] ?? 0) + 1)];
  return (
    <>
      <div class="step-tools screen-only">
        <label class="unseen" for="step-at">checkpoint</label>
        <input id="step-at" type="range" min={0} max={rows.length - 1} step={1} value={index ?? 0} aria-valuetext={row ? `step ${count(row.step)}` : "none chosen"} onInput={(event) => setIndex(event.currentTarget.valueAsNumber)} />
        <button type="button" class="chip" aria-pressed={logX} onClick={() => setLogX(!logX)}>logarithmic steps</button>
      </div>
      <p class="readout" aria-live="polite">
        {row ? <>step {count(row.step)}: {PANELS.flatMap((p) => p.series).filter((s) => s.of(row)).map((s, i) => <>{i > 0 && "; "}{s.name} {isOk(s.of(row)) ? spoken(s.of(row)) : "withheld"}</>)}</> : "Point at a figure, or move the slider, to read one checkpoint."}
      </p>
      {PANELS.map((panel) => <PanelFigure panel={panel} rows={rows} x={x} logX={logX} at={row ? row.step : null} onAt={nearest} />)}
    </>
  );
}

const MOST_ROWS = 60;

export function CheckpointTable({ rows }: { rows: Checkpoint[] }) {
  const every = Math.ceil(rows.length / MOST_ROWS);
  const series = PANELS.flatMap((p) => p.series);
  const shown = rows.filter((_, i) => i % every === 0 || i === rows.length - 1);
  return (
    <>
      {every > 1 && <p class="caption">One checkpoint in {every}; all of them stand in the json.</p>}
      <table class="cards numbers">
        <thead><tr><th scope="col">step</th>{series.map((s) => <th scope="col">{s.name}</th>)}</tr></thead>
        <tbody>
          {shown.map((r) => (
            <tr>
              <th scope="row">{count(r.step)}</th>
              {series.map((s) => <td data-label={s.name}>{s.of(r) ? (isOk(s.of(r)) ? spoken(s.of(r)) : "— withheld") : "—"}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
