// Scrub through a training run: weights, spectra, any neuron's answers, predictions and every measure move together.
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Fold } from "../fold";
import { count, isNumber, plain } from "../numbers";
import type { Explorable, ExploredRun, ToRun } from "../schemas/explorable";
import { clean, short, Text } from "../text";
import { BranchPanel, CommandOf } from "./branch_panel";
import { diverging, mix, Picture, rising, type Palette } from "./canvas";
import { useBranches, type Branch } from "./live";
import { Measures, type Beside } from "./measures";
import { meanRows, netOf, predictions, response, spectrum, type Grid } from "./net";

const PACE = 450; // milliseconds a snapshot while it plays

const STRONG = 0.05; // of the power: a frequency worth naming

const largest = (grid: Grid) => grid.values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** Orange: trained on and right; blue: not trained on and right; paper: wrong; grey: trained on and wrong. */
function kind(value: number, colours: Palette) {
  if (value === 3) return colours.rote;
  if (value === 1) return colours.rule;
  return value === 2 ? mix(colours.paper, colours.chance, 0.8) : colours.paper;
}

function Bars({ shares, label }: { shares: Float32Array; label: string }) {
  const top = Math.max(...shares, 1e-9);
  return (
    <svg class="spectrum" role="img" aria-label={label} viewBox={`0 0 ${shares.length * 10} 60`} preserveAspectRatio="none">
      {[...shares].map((share, i) => <rect class="role-rule field" x={i * 10 + 1} y={60 - (58 * share) / top} width={8} height={(58 * share) / top}><title>{`frequency ${i + 1}: ${plain(share)} of the power`}</title></rect>)}
    </svg>
  );
}

/** `children` stand right below the curves: what can be drawn beside them. */
function Scrubbed({ run, beside, children }: { run: ExploredRun; beside: Beside[]; children: ComponentChildren }) {
  const shots = run.snapshots;
  const [index, setIndex] = useState(shots.length - 1);
  const [neuron, setNeuron] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [pair, setPair] = useState<[number, number] | null>(null);
  const here = Math.min(index, shots.length - 1);
  const snapshot = shots[here];
  useEffect(() => {
    if (!playing) return;
    const timer = window.setInterval(() => setIndex((i) => (i + 1) % shots.length), PACE);
    return () => window.clearInterval(timer);
  }, [playing, shots.length]);
  const drawn = useMemo(() => {
    if (!snapshot) return null;
    const net = netOf(run, snapshot);
    const found = predictions(run, net);
    const kinds: Grid = { rows: net.p, columns: net.p, values: new Float32Array(net.p * net.p) };
    found.right.forEach((right, i) => (kinds.values[i] = right + 2 * (found.train[i] ?? 0)));
    const input = spectrum(net.a);
    return { net, found, kinds, input, output: meanRows(spectrum(net.out, false)), inputMean: meanRows(input) };
  }, [run, snapshot]);
  if (!snapshot || !drawn) return <p class="absent"><span class="dash">—</span> This run has no snapshots.</p>;
  const { net, found, kinds, input, inputMean, output } = drawn;
  const k = Math.min(neuron, net.hidden - 1);
  const answers = response(net, k);
  const nearest = (step: number) => {
    let best = 0;
    shots.forEach((shot, i) => {
      if (Math.abs(shot.step - step) < Math.abs((shots[best]?.step ?? 0) - step)) best = i;
    });
    setPlaying(false);
    setIndex(best);
  };
  const strongest = [...inputMean].map((share, i) => [share, i + 1] as const).sort((x, y) => y[0] - x[0]).filter(([share], i) => i === 0 || share > STRONG).slice(0, 6);
  return (
    <>
      <div class="scrub screen-only">
        <button type="button" onClick={() => setPlaying(!playing)} aria-pressed={playing}>{playing ? "pause" : "play"}</button>
        <label>
          <span class="unseen">step</span>
          <input type="range" min={0} max={shots.length - 1} value={here} aria-valuetext={`step ${snapshot.step}`} onInput={(event) => { setPlaying(false); setIndex(Number(event.currentTarget.value)); }} />
        </label>
        <output class="tabular">step {count(snapshot.step)}</output>
      </div>
      <Measures run={run} beside={beside} step={snapshot.step} onStep={nearest} />
      {children}
      <div class="pictures">
        <figure>
          <h3>Predictions</h3>
          <Picture grid={kinds} colour={kind} label={`Predictions for every pair: ${plain(found.trainAccuracy)} of the trained and ${plain(found.testAccuracy)} of the other pairs are right.`} onHover={setPair} />
          <figcaption>
            <span class="role-rote"><i class="key-field" /></span>trained on, right ({isNumber(found.trainAccuracy) ? plain(found.trainAccuracy) : "no train pairs named"});{" "}
            <span class="role-rule"><i class="key-field" /></span>never seen, right ({plain(found.testAccuracy)}); pale: wrong. a down, b across{pair && <>; a = {pair[0]}, b = {pair[1]}</>}.
          </figcaption>
        </figure>
        <figure>
          <h3>Neuron <input class="neuron" type="number" aria-label="neuron" min={0} max={net.hidden - 1} value={k} onInput={(event) => setNeuron(Math.max(0, Math.floor(Number(event.currentTarget.value)) || 0))} /> over (a, b)</h3>
          <Picture grid={answers} colour={diverging(largest(answers))} label={`What neuron ${k} answers to every pair (a, b).`} />
          <figcaption>Its activation, strongest {plain(largest(answers))}; a lattice is a neuron that follows one frequency.</figcaption>
        </figure>
        <figure>
          <h3>Frequencies of each neuron</h3>
          <Picture grid={input} colour={rising(1)} column={k} onPick={(_, column) => setNeuron(column)} wide label={`Share of each frequency (down, 1 to ${input.rows}) in each neuron's input weights (across, ${net.hidden}).`} />
          <figcaption>Share of each frequency (1 on top, {input.rows} below) in the input weights of each neuron; choose a neuron by pointing at its column.</figcaption>
        </figure>
        <figure>
          <h3>Input spectrum</h3>
          <Bars shares={inputMean} label={`Mean share of power by frequency; strongest: ${strongest.map(([share, f]) => `${f} (${plain(share)})`).join(", ")}.`} />
          <figcaption>Mean share by frequency; strongest {strongest.map(([, f]) => f).join(", ")}.</figcaption>
        </figure>
        <figure>
          <h3>Output spectrum</h3>
          <Bars shares={output} label="Mean share of power by frequency in the output weights." />
          <figcaption>The same of the output weights over the answers.</figcaption>
        </figure>
        <figure>
          <h3>Input weights</h3>
          <Picture grid={net.a} colour={diverging(largest(net.a))} column={k} onPick={(_, column) => setNeuron(column)} wide label={`Weights from a (down) to each neuron (across), largest ${plain(largest(net.a))}.`} />
          <figcaption>a down, neurons across; <span class="role-rule"><i class="key-field" /></span>positive, <span class="role-rote"><i class="key-field" /></span>negative, largest {plain(largest(net.a))}.</figcaption>
        </figure>
        <figure>
          <h3>Output weights</h3>
          <Picture grid={net.out} colour={diverging(largest(net.out))} wide label={`Weights from each neuron (down) to each answer (across), largest ${plain(largest(net.out))}.`} />
          <figcaption>Neurons down, answers across, largest {plain(largest(net.out))}.</figcaption>
        </figure>
      </div>
    </>
  );
}

/** The branches of the chosen run that can be drawn, each with the colour of its place among all of them. */
function besideOf(branches: ToRun[], of: Record<string, Branch>, hidden: string[]): (Beside & { cell: string })[] {
  return branches.flatMap((one, i) => {
    const found = of[one.cell ?? ""];
    if (!found?.at.length || !one.cell) return [];
    const drawn = { name: one.name, class: `hue-${i % 8} beside${i >= 8 ? " dashed" : ""}`, cell: one.cell };
    return [{ ...drawn, steps: hidden.includes(one.cell) ? [] : found.at, measures: found.measures }];
  });
}

interface Props {
  data: Explorable;
  cell: string | null; // picked in a figure: its run is loaded, if it is here
}

export function Explorer({ data, cell }: Props) {
  const live = useBranches();
  const [loaded, setLoaded] = useState<ExploredRun[]>([]);
  const [failure, setFailure] = useState("");
  const [hidden, setHidden] = useState<string[]>([]);
  const [own, setOwn] = useState({ run: "", branch: "" });
  const runs = useMemo(() => [...(data.runs ?? []), ...loaded], [data, loaded]);
  const chosen = live?.chosen ?? own;
  const choose = (change: { run?: string; branch?: string }) => (live ? live.choose(change) : setOwn((old) => ({ ...old, ...change })));
  const known = useMemo(() => [...(data.interventions ?? []).map((one) => ({ ...one, name: one.of ? `${one.of}; ${one.name}` : one.name })), ...Object.values(data.absent ?? {})], [data]);
  const open = (name: string) => {
    const one = known.find((k) => k.name === name);
    if (!live || !one?.cell || runs.some((run) => run.name === name)) return;
    live.load(one.cell).then(
      (run) => setLoaded((old) => [...old.filter((run) => run.name !== name), { ...run, name }]),
      (error: unknown) => setFailure(error instanceof Error ? error.message : String(error)),
    );
  };
  const show = (name: string) => {
    choose({ run: name });
    open(name);
  };
  useEffect(() => {
    const found = runs.find((run) => run.cell && run.cell === cell);
    if (found?.name) choose({ run: found.name });
  }, [cell]);
  const ready = known.filter((one) => live?.of[one.cell ?? ""]?.whole);
  useEffect(() => open(chosen.run), [chosen.run, ready.length]); // a link, or a run that was chosen before it was done
  const run = runs.find((one) => one.name === chosen.run) ?? runs[0];
  if (!run) return null;
  const branches = (data.interventions ?? []).filter((one) => !one.of || one.of === run.name);
  const missing = cell && !runs.some((one) => one.cell === cell) ? data.absent?.[cell] : undefined;
  const beside = besideOf(branches, live?.of ?? {}, hidden);
  const names = [...runs.map((one) => one.name ?? ""), ...ready.map((one) => one.name).filter((name) => !runs.some((r) => r.name === name))];
  return (
    <div class="explorer">
      {names.length > 1 && (
        <p>
          <label>run{" "}
            <select value={run.name ?? ""} onChange={(event) => show(event.currentTarget.value)}>
              {names.map((name, i) => <option value={name}>{short(name || `run ${i + 1}`, 90)}</option>)}
            </select>
          </label>{" "}
          <span class="tiny">or choose a mark of a figure above</span>
        </p>
      )}
      {failure && <p role="alert">That run cannot be drawn: <Text of={failure} /></p>}
      {missing && missing.name !== run.name && (
        <div class="branches" aria-live="polite">
          <p>The weights of the field you chose are not {live ? "on this page" : "in this file"}. They are made by</p>
          <CommandOf one={missing} again={data.again} onOpen={() => show(missing.name)} key={missing.name} />
          <p class="tiny">Below is still: <Text of={run.name ?? ""} />.</p>
        </div>
      )}
      {beside.length > 0 && (
        <p class="beside-key">
          <span class="tiny">thick: this run; beside it, from the same checkpoint:</span>{" "}
          {beside.map((one) => {
            const off = hidden.includes(one.cell);
            return (
              <button type="button" class="chip" aria-pressed={!off} onClick={() => setHidden(off ? hidden.filter((h) => h !== one.cell) : [...hidden, one.cell])}>
                <i class={`key-line ${one.class}`} /> <Text of={one.name} />
              </button>
            );
          })}
        </p>
      )}
      <Scrubbed run={run} beside={beside} key={run.name}>
        <BranchPanel of={branches} chosen={chosen.branch} again={data.again} onChoose={(branch) => choose({ branch })} onOpen={(one) => show(one.of ? `${one.of}; ${one.name}` : one.name)} />
      </Scrubbed>
      <Fold summary="how is this drawn">
        <p>
          The weights stand on this page as eight-bit numbers. Answers, spectra and predictions are computed from them here, so a
          prediction can differ from the net's own where two answers nearly tie; the measures above are the run's own.
        </p>
        {run.name && <p>Run: <Text of={run.name} />{run.cell && <> (<code>{clean(run.cell)}</code>)</>}.</p>}
      </Fold>
    </div>
  );
}
