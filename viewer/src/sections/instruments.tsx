// How far the instruments can be trusted: against the truth, by their z-scores, by coverage, and at what cost.
import { positive } from "../charts/decades";
import { DotRows } from "../charts/dot_rows";
import { Absent, Figure } from "../charts/figure";
import { Key, Points, type Kind, type Point } from "../charts/points";
import { normalQuantile } from "../normal";
import { briefly, count, isNumber, plain } from "../numbers";
import type { Calibration, Case, Instrument, Run } from "../schemas/calibrate";

export interface Data {
  instruments: Instrument[];
  cases: Case[];
  runs: Run[];
}

export function dataOf(report: Calibration): Data {
  return { instruments: report.instruments ?? [], cases: report.cases ?? [], runs: report.runs ?? [] };
}

function mean(values: number[]): number | null {
  return values.length ? values.reduce((sum, v) => sum + v, 0) / values.length : null;
}

/** One kind an instrument, with a point for each of its cases that has one. */
function kinds({ instruments, cases }: Data, point: (c: Case, index: number) => Point | null): Kind[] {
  return instruments.map((instrument, hue) => ({
    name: instrument.name,
    hue,
    points: cases.flatMap((c, i) => (c.instrument === instrument.name ? (point(c, i) ?? []) : [])),
  }));
}

export function Truth({ data }: { data: Data }) {
  const ends = new Map<number, { low: number[]; high: number[] }>();
  for (const [k, , low, high] of data.runs) {
    if (!isNumber(low) || !isNumber(high)) continue;
    const found = ends.get(k) ?? { low: [], high: [] };
    found.low.push(low);
    found.high.push(high);
    ends.set(k, found);
  }
  const between = (i: number) => ({ low: mean(ends.get(i)?.low ?? []), high: mean(ends.get(i)?.high ?? []) });
  const onLog = (c: Case) => isNumber(c.truth) && isNumber(c.mean) && c.truth > 0 && c.mean > 0;
  const title = (c: Case) => `${c.instrument}: ${c.case}; truth ${plain(c.truth)}, estimate ${plain(c.mean)}`;
  const absolute = kinds(data, (c, i) => (onLog(c) ? { x: c.truth as number, y: c.mean as number, ...between(i), title: title(c) } : null));
  const drawn = absolute.flatMap((k) => k.points);
  const span = positive(drawn.flatMap((p) => [p.x, p.y]), 1.6);
  if (!span) return <Absent what="Estimates against the truth" why="no case with a positive truth gave an answer" />;
  const relative = kinds(data, (c, i) => {
    if (!onLog(c)) return null;
    const [truth, ends] = [c.truth as number, between(i)];
    const off = (v: number | null) => (v === null ? null : 100 * (v / truth - 1));
    return { x: truth, y: off(c.mean as number) as number, low: off(ends.low), high: off(ends.high), title: title(c) };
  });
  const far = Math.max(0.5, ...relative.flatMap((k) => k.points.map((p) => Math.abs(p.y))));
  const left = data.cases.filter((c) => !onLog(c)).length;
  const x = positive(drawn.map((p) => p.x), 1.6) ?? span;
  return (
    <Figure
      id="truth"
      caption={
        <>
          Mean estimate over seeds against the exact answer, one mark a case, n = {count(drawn.length)}; below, how far it is off in
          percent, with the mean interval of one run. {left > 0 && <>Only in the table, for want of an answer or of a positive truth: {count(left)}.</>}
        </>
      }
      how={<p>Every case has an answer that is known exactly: closed forms, planted spectra, dense Hessians in float64, published formulas. A run without an answer has its reason in the table, and counts for nothing here.</p>}
    >
      <Key kinds={absolute} />
      <Points kinds={absolute} label={`Estimates against exact answers for ${drawn.length} cases.`} xName="truth" yName="mean estimate" x={x} y={span} log={{ x: true, y: true }}
        under={(sx, sy) => <line class="diagonal" x1={sx(x[0])} y1={sy(x[0])} x2={sx(x[1])} y2={sy(x[1])} />} />
      <Points kinds={relative} label={`Relative error of the mean estimates, at most ${plain(far)} percent.`} xName="truth" yName="estimate / truth − 1, %" x={x} y={[-1.5 * far, 1.5 * far]} log={{ x: true }} height={280}
        under={(_, y, f) => <line class="zero" x1={f.left} x2={f.right} y1={y(0)} y2={y(0)} />} />
    </Figure>
  );
}

const EDGE = 4.2; // standard deviations drawn

export function Scores({ data }: { data: Data }) {
  const certain = data.instruments.filter((i) => i.certain).map((i) => i.name);
  const all = data.instruments.map((instrument, hue): Kind => {
    const zs = instrument.certain ? [] : data.runs.flatMap(([k, , , , z]) => (isNumber(z) && data.cases[k]?.instrument === instrument.name ? [z] : []));
    zs.sort((a, b) => a - b);
    const keep = Math.max(1, Math.ceil(zs.length / 250)); // a curve of that many marks says all there is
    return {
      name: `${instrument.name} (${count(zs.length)})`,
      hue,
      points: zs.flatMap((z, i) => (i % keep && i > 2 && i < zs.length - 3 ? [] : [{ x: normalQuantile((i + 0.5) / zs.length), y: z }])),
    };
  });
  const kept = all.filter((k) => k.points.length);
  const total = data.instruments.some((i) => !i.certain) ? kept.reduce((sum, k) => sum + k.points.length, 0) : 0;
  if (!total) return <Absent what="z-scores" why="no instrument that gives a standard error gave an answer" />;
  const beyond = kept.flatMap((k) => k.points).filter((p) => Math.abs(p.y) > EDGE).length;
  return (
    <Figure
      id="scores"
      caption={
        <>
          (estimate − truth) / stderr of every run, sorted, against the quantiles of a standard normal: on the diagonal the errors are
          honest, flatter they are too large, steeper too small; n = {count(total)} marks{beyond > 0 && <>, {count(beyond)} of them beyond the edge</>}.
        </>
      }
      how={
        <>
          <p>Intervals come from Student's t where few parts are averaged, so the ends of a well-made curve may be steeper than the diagonal. Runs of one case with the same truth are independent; cases are pooled.</p>
          {certain.length > 0 && <p>Left out, because their error is a bound that holds with certainty: {certain.join(", ")}.</p>}
        </>
      }
    >
      <Key kinds={kept} />
      <Points kinds={kept} size={2.4} label="Sorted z-scores against normal quantiles." xName="expected, standard normal" yName="z" x={[-3.4, 3.4]} y={[-EDGE, EDGE]} height={340} maxWidth={560}
        under={(x, y) => <line class="diagonal" x1={x(-3.4)} y1={y(-3.4)} x2={x(3.4)} y2={y(3.4)} />} />
    </Figure>
  );
}

export function Coverage({ data }: { data: Data }) {
  const rows = data.instruments;
  const nominal = rows.find((i) => isNumber(i.level) && i.level < 1)?.level;
  if (!rows.length) return <Absent what="Coverage" why="no instrument was run" />;
  const line = isNumber(nominal) ? { value: nominal, low: nominal, high: nominal, status: "ok" } : null;
  return (
    <Figure
      id="coverage"
      caption={
        <>
          Share of the intervals that hold the truth, pooled over cases and seeds, with its 95 % Clopper-Pearson interval; the line is
          the stated level{isNumber(nominal) && ` ${briefly(nominal)}`}; n = {count(rows.reduce((sum, i) => sum + i.answered, 0))} runs that gave an answer.
        </>
      }
      how={<p>Intervals marked † are bounds (a residual, rounding) and are to hold always. Coverage counts runs that gave an answer; what was withheld is counted in the table.</p>}
    >
      <DotRows
        label="Coverage of the intervals"
        axis="share of intervals that hold the truth"
        reference={line}
        rows={rows.map((i) => ({ name: i.certain ? `${i.name} †` : i.name, e: i.coverage, tone: "model" as const }))}
      />
    </Figure>
  );
}

const EXACT = 1e-12; // what lies below is rounding

export function Cost({ data }: { data: Data }) {
  const all = kinds(data, (c) => (isNumber(c.seconds) && c.seconds > 0 && isNumber(c.error) ? { x: c.seconds, y: Math.max(EXACT, c.error), title: `${c.instrument}: ${c.case}; ${plain(c.seconds)} s, ${plain(c.gradients)} gradients` } : null));
  const points = all.flatMap((k) => k.points);
  const [x, y] = [positive(points.map((p) => p.x), 1.5), positive(points.map((p) => p.y), 2)];
  if (!x || !y) return <Absent what="Cost" why="no case gave an answer" />;
  return (
    <Figure
      id="cost"
      caption={<>What an answer costs and how far it is off: root mean square error relative to the truth against mean seconds a run, n = {count(points.length)} cases; errors below 10⁻¹² are rounding and drawn there.</>}
      how={<p>Seconds are those of the machine that ran this, on one process; gradient evaluations, which do not depend on it, stand in the table. A matrix product counts as one gradient.</p>}
    >
      <Key kinds={all} />
      <Points kinds={all} label={`Relative error against seconds a run for ${points.length} cases.`} xName="seconds a run" yName="relative error" x={x} y={y} log={{ x: true, y: true }} />
    </Figure>
  );
}
