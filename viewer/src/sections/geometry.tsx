// The geometry of the loss at the trained weights (--deep): every number beside its control, and the pictures behind them.
import { DotRows } from "../charts/dot_rows";
import { positive } from "../charts/decades";
import { Absent, Figure } from "../charts/figure";
import { Lines, type Line, type LinePoint } from "../charts/lines";
import { Plane } from "../charts/plane";
import { extent } from "../charts/scale";
import { levelOf, Methods } from "../methods";
import { briefly, count, isNumber, isOk, percentLevel, plain, whyNot } from "../numbers";
import type { Geometry as Data, Density as DensityData, Slices as SlicesData, Traces as TracesData } from "../schemas/geometry";
import type { Maybe } from "../schema";
import { clean, Text } from "../text";

function Numbers({ data, n }: { data: Data; n: Maybe<number> }) {
  const rows = data.rows ?? [];
  const matched = isNumber(data.twin_loss);
  const values = rows.map((r) => r.value);
  return (
    <Figure
      id="geometry-numbers"
      caption={
        <>
          Each number at the trained weights (bold) and for a twin of the same recipe on shuffled labels, {levelOf(values)} intervals;
          training loss {plain(data.loss)}{matched ? `, the twin's ${plain(data.twin_loss)}` : ""}; n = {count(n)} training examples.
          {data.sentence && <> <Text of={data.sentence} /></>}
          {!matched && <> There is no twin at this loss: <Text of={data.twin_status || "not measured"} />.</>}
        </>
      }
      how={
        <>
          <p>Curvature falls with the loss, so two networks can only be compared at one training loss: the twin is trained until its loss is close to this model's (2% is sought, a quarter is the most), or there is no control. What the twin has as well says nothing about rules.</p>
          <Methods of={values} lead="Estimates" />
          <dl class="notes">{rows.map((r) => r.formula && <><dt><Text of={r.name} /></dt><dd><code><Text of={r.formula} /></code></dd></>)}</dl>
        </>
      }
    >
      <div class="grid-of-rows">
        {rows.map((r) => (
          <div>
            <h3><Text of={r.name} /></h3>
            {isOk(r.value) || isOk(r.control) ? (
              <DotRows
                label={clean(r.name)}
                axis=""
                zero
                compact
                rows={[{ name: "this model", e: r.value, tone: "model" }, ...(matched ? [{ name: "shuffled twin", e: r.control, tone: "control" as const }] : [])]}
              />
            ) : (
              <Absent what="Withheld" why={whyNot(r.value)} />
            )}
          </div>
        ))}
      </div>
    </Figure>
  );
}

function Traces({ data }: { data: TracesData }) {
  const { steps, chains } = data;
  if (!steps?.length || !chains?.length) return <Absent what="Loss traces of the chains" why={data.status} />;
  const start = steps.findIndex((s) => s >= 0);
  const kept = chains.flatMap((c) => c.slice(Math.max(0, start)));
  const early = chains.flatMap((c) => c.slice(0, Math.max(0, start)).filter((v) => isNumber(v) && v > 0));
  const top = extent([...kept, 0], 0.08) ?? [0, 1];
  const wide = positive([...kept, ...early]);
  const log = !!wide && wide[1] > 8 * (top[1] || 1) && kept.every((v) => !isNumber(v) || v > 0);
  const y = log && wide ? wide : top;
  const hat = isNumber(data.r_hat) ? `, R-hat ${data.r_hat.toFixed(3)}` : "";
  return (
    <Figure
      id="traces"
      caption={
        <>
          Training loss above that of w*, n = {chains.length} of {count(data.of)} chains at n beta = {plain(data.n_beta)}{hat}. The shaded{" "}
          {count(data.burn)} steps are burn-in and enter no average{data.answer && data.answer !== "ok" && <>. The learning coefficient was withheld: <Text of={data.answer} /></>}.
        </>
      }
      how={<p>Every line is one chain, drawn at every few of its steps. Chains that agree, neither drift nor fall below 0 support a number; half of a ladder's chains start far from w*, the others at it.</p>}
    >
      <Lines
        label={`Loss traces of ${chains.length} chains, burn-in of ${data.burn} steps shaded${hat}.`}
        xName="step of the sampler"
        yName="loss above w*"
        x={[steps[0] ?? 0, steps[steps.length - 1] ?? 1]}
        y={y}
        log={{ y: log }}
        lines={chains.map((chain, i): Line => ({ class: i < chains.length / 2 ? "hair" : "hair other", points: steps.map((s, k) => ({ x: s, y: chain[k] ?? null })) }))}
        under={(x, _, f) => (start > 0 ? <g><rect class="shade" x={f.left} y={f.top} width={Math.max(0, x(0) - f.left)} height={f.bottom - f.top} /><text class="quiet-text" x={f.left + 6} y={f.top + 14}>burn-in</text></g> : null)}
      />
    </Figure>
  );
}

function Density({ data }: { data: DensityData }) {
  const { grid, density, low, high } = data;
  if (!grid?.length || !density?.length) return <Absent what="Spectral density" why={data.status} />;
  const one = 1 / ((data.parameters || 1) * (data.width || 1) * 2.507); // the height of a single eigenvalue
  const span = positive([...density, ...(high ?? [])].filter((v) => isNumber(v) && v > one * 0.5)) ?? [one, 1];
  const y: [number, number] = [Math.min(span[0], one * 0.5), span[1]];
  const empty = (i: number) => !((density[i] ?? 0) > y[0]); // nothing to see on a logarithmic axis
  const points = grid.map((x, i) => ({ x: x ?? 0, y: [i - 1, i, i + 1].every(empty) ? null : Math.max(density[i] ?? 0, y[0]), low: Math.max(low?.[i] ?? 0, y[0]), high: Math.max(high?.[i] ?? 0, y[0]) }));
  return (
    <Figure
      id="density"
      caption={
        <>
          Spectral density of the Hessian with its {percentLevel(data.level)} band, smoothed over {plain(data.width)}; the dotted line is the
          height of a single eigenvalue, n = {count(data.parameters)} of them.
        </>
      }
      how={<p><Text of={data.method} />. The eigenvalues found one by one are exact; the band is the error of the probes for the rest.</p>}
    >
      <Lines
        label={`Spectral density of the Hessian from ${plain(grid[0])} to ${plain(grid[grid.length - 1])}.`}
        xName="eigenvalue"
        yName="density"
        x={[grid[0] ?? 0, grid[grid.length - 1] ?? 1]}
        y={y}
        log={{ y: true }}
        lines={[{ class: "own", points }]}
        under={(_, scale, f) => <line class="now" x1={f.left} x2={f.right} y1={scale(one)} y2={scale(one)} />}
      />
    </Figure>
  );
}

/** A line that ends where it leaves the drawing at `most`. */
function upTo(most: number, xs: number[], ys: Maybe<number>[]): LinePoint[] {
  return xs.flatMap((x, i): LinePoint[] => {
    const y = ys[i];
    const edges = [i - 1, i + 1].flatMap((k) => {
      const [other, at] = [ys[k], xs[k]];
      if (!isNumber(y) || !isNumber(other) || at === undefined || y <= most || other > most) return [];
      return [{ x: at + ((most - other) / (y - other)) * (x - at), y: most }];
    });
    if (!isNumber(y) || y > most) return edges.length ? [...edges.flatMap((e, k) => (k ? [{ x, y: null }, e] : [e]))] : [{ x, y: null }];
    return [{ x, y }];
  });
}

function Slices({ data }: { data: SlicesData }) {
  const lines = data.lines ?? [];
  const own = lines[0];
  if (!own || !isNumber(data.cutoff)) return <Absent what="Slices of the loss" why={data.status} />;
  const { cutoff } = data;
  const reach = Math.max(...lines.map((l) => l.offsets[l.offsets.length - 1] ?? 0));
  const plane = data.plane;
  return (
    <Figure
      id="slices"
      caption={
        <>
          Exact training loss (n = {count(data.n)}) along lines and over a plane through w*, above its own value at w*; the dotted line and the
          filled part are the basin, within {briefly(cutoff)} of it. Offsets are in lengths of w*.
        </>
      }
      how={<p><Text of={data.method} />. Random directions are filter-normalized: each row of each tensor is as long as the same row of w*, so the two networks can be compared. A few directions are a picture of the basin, not its size; contours are 1, 2, 4, 8, 16, 32 and 64 cutoffs above w*.</p>}
    >
      <div class="pair">
        <div>
          <p class="legend">{lines.map((l) => <span><i class={`key-line ${l.tone}`} /><Text of={l.name} /></span>)}</p>
          <Lines
            label={`Loss along ${lines.map((l) => clean(l.name)).join(", ")}.`}
            xName="offset from w*, in lengths of w*"
            yName="loss above w*"
            x={[-reach, reach]}
            y={[-0.6 * cutoff, 10 * cutoff]}
            height={330}
            lines={lines.map((l) => ({ class: `slice ${l.tone}`, points: upTo(10 * cutoff, l.offsets, l.loss.map((v) => (isNumber(v) ? v - l.at_start : null))) }))}
            under={(_, y, f) => <g><rect class="basin-strip" x={f.left} width={f.right - f.left} y={y(cutoff)} height={Math.max(0, y(0) - y(cutoff))} /><line class="now" x1={f.left} x2={f.right} y1={y(cutoff)} y2={y(cutoff)} /></g>}
          />
        </div>
        <div>
          {plane?.a && plane.b && plane.loss && isNumber(data.at_start) ? (
            <Plane data={{ a: plane.a, b: plane.b, loss: plane.loss }} start={data.at_start} cutoff={cutoff} />
          ) : (
            <Absent what="The plane" why={plane?.status || "not measured"} />
          )}
        </div>
      </div>
    </Figure>
  );
}

export function Geometry({ data, n }: { data: Data; n: Maybe<number> }) {
  return (
    <>
      <Numbers data={data} n={n} />
      <h3>Do the chains support the learning coefficient?</h3>
      {data.traces ? <Traces data={data.traces} /> : <Absent what="Loss traces" why="not measured" />}
      <h3>The whole spectrum</h3>
      {data.density ? <Density data={data.density} /> : <Absent what="Spectral density" why="not measured" />}
      <h3>The basin around w*</h3>
      {data.slices ? <Slices data={data.slices} /> : <Absent what="Slices" why="not measured" />}
    </>
  );
}
