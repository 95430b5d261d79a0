// Scrub through a training run: weights, spectra, any neuron's answers, predictions and every measure move together.
import { useEffect, useMemo, useState } from "preact/hooks";
import { Fold } from "../fold";
import { count, isNumber, plain } from "../numbers";
import type { Explorable, ExploredRun } from "../schemas/explorable";
import { clean, short, Text } from "../text";
import { diverging, mix, Picture, rising, type Palette } from "./canvas";
import { Measures } from "./measures";
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

function Scrubbed({ run }: { run: ExploredRun }) {
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
      <Measures run={run} step={snapshot.step} onStep={nearest} />
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

interface Props {
  data: Explorable;
  cell: string | null; // picked in a figure: its run is loaded, if it is here
}

export function Explorer({ data, cell }: Props) {
  const runs = data.runs ?? [];
  const [chosen, setChosen] = useState(0);
  const [branch, setBranch] = useState(0);
  useEffect(() => {
    const found = runs.findIndex((run) => run.cell && run.cell === cell);
    if (found >= 0) setChosen(found);
  }, [cell]);
  const run = runs[Math.min(chosen, runs.length - 1)];
  if (!run) return null;
  const branches = (data.interventions ?? []).filter((one) => !one.of || one.of === run.name);
  const missing = cell && !runs.some((one) => one.cell === cell) ? data.absent?.[cell] : undefined;
  const again = data.again ? `\n${clean(data.again)}` : "";
  const nothing = "The page starts nothing itself: run these commands, then open the page that the last one writes; the new run is in its list.";
  return (
    <div class="explorer">
      {runs.length > 1 && (
        <p>
          <label>run{" "}
            <select value={chosen} onChange={(event) => setChosen(Number(event.currentTarget.value))}>
              {runs.map((one, i) => <option value={i}>{short(one.name || one.cell || `run ${i + 1}`, 60)}</option>)}
            </select>
          </label>{" "}
          <span class="tiny">or choose a mark of a figure above</span>
        </p>
      )}
      {missing && (
        <div class="branches" aria-live="polite">
          <p>The weights of the field you chose are not in this file. They are made by</p>
          <pre class="command" tabIndex={0}><bdi>{clean(missing)}{again}</bdi></pre>
          <p class="tiny">{nothing} Below is still: <Text of={run.name ?? ""} />.</p>
        </div>
      )}
      <Scrubbed run={run} key={chosen} />
      {branches.length > 0 && (
        <div class="branches">
          <label>intervention{" "}
            <select value={Math.min(branch, branches.length - 1)} onChange={(event) => setBranch(Number(event.currentTarget.value))}>
              {branches.map((one, i) => <option value={i}>{short(one.name, 60)}</option>)}
            </select>
          </label>
          <pre class="command" tabIndex={0}><bdi>{clean(branches[Math.min(branch, branches.length - 1)]?.command)}{again}</bdi></pre>
          <p class="tiny">{nothing}</p>
        </div>
      )}
      <Fold summary="how is this drawn">
        <p>
          The weights stand in this file as eight-bit numbers. Answers, spectra and predictions are computed from them here, so a
          prediction can differ from the net's own where two answers nearly tie; the measures above are the run's own.
        </p>
        {run.name && <p>Run: <Text of={run.name} />{run.cell && <> (<code>{clean(run.cell)}</code>)</>}.</p>}
      </Fold>
    </div>
  );
}
