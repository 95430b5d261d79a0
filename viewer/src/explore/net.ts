// From a snapshot's weights to everything that is drawn of it: responses, spectra, predictions.
import type { ExploredRun, Packed, Snapshot } from "../schemas/explorable";

export interface Grid {
  rows: number;
  columns: number;
  values: Float32Array;
}

export interface Net {
  p: number;
  hidden: number;
  a: Grid; // [p h]
  b: Grid; // [p h]
  out: Grid; // [h p]
  bias: Float32Array;
  outBias: Float32Array;
  act: (x: number) => number;
}

export interface Predictions {
  right: Uint8Array; // [p p]
  train: Uint8Array; // [p p]
  trainAccuracy: number;
  testAccuracy: number;
}

const ACTS: Record<string, (x: number) => number> = {
  relu: (x) => (x > 0 ? x : 0),
  quadratic: (x) => x * x,
  gelu: (x) => 0.5 * x * (1 + Math.tanh(0.7978845608 * (x + 0.044715 * x * x * x))),
};

export function unpack(packed: Packed): Grid {
  const bytes = atob(packed.data);
  const [rows = 1, columns = 1] = packed.shape;
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < values.length; i++) {
    const byte = bytes.charCodeAt(i);
    values[i] = (byte > 127 ? byte - 256 : byte) * packed.scale;
  }
  return { rows, columns, values };
}

function array(snapshot: Snapshot, name: string): Grid {
  const packed = snapshot.arrays[name];
  if (!packed) throw new Error(`the snapshot of step ${snapshot.step} has no array ${name}`);
  return unpack(packed);
}

export function netOf(run: ExploredRun, snapshot: Snapshot): Net {
  const a = array(snapshot, "in_a");
  const hidden = a.columns;
  const flat = (name: string, size: number) => (snapshot.arrays[name] ? array(snapshot, name).values : new Float32Array(size));
  const act = ACTS[run.activation ?? "relu"] ?? (ACTS.relu as (x: number) => number);
  return {
    p: a.rows,
    hidden,
    a,
    b: snapshot.arrays.in_b ? array(snapshot, "in_b") : a,
    out: array(snapshot, "out"),
    bias: flat("bias", hidden),
    outBias: flat("out_bias", a.rows),
    act,
  };
}

/** What neuron k answers to every pair: [p p], a down, b across. */
export function response(net: Net, k: number): Grid {
  const values = new Float32Array(net.p * net.p);
  for (let a = 0; a < net.p; a++) {
    const left = (net.a.values[a * net.hidden + k] ?? 0) + (net.bias[k] ?? 0);
    for (let b = 0; b < net.p; b++) values[a * net.p + b] = net.act(left + (net.b.values[b * net.hidden + k] ?? 0));
  }
  return { rows: net.p, columns: net.p, values };
}

/** Power of each frequency 1..p/2 (rows) in each neuron's input weights (columns), as shares of the neuron's own power. */
export function spectrum(grid: Grid, byColumn = true): Grid {
  const length = byColumn ? grid.rows : grid.columns;
  const many = byColumn ? grid.columns : grid.rows;
  const top = Math.floor((length - 1) / 2);
  const values = new Float32Array(top * many);
  for (let k = 0; k < many; k++) {
    let total = 0;
    for (let f = 1; f <= top; f++) {
      let [re, im] = [0, 0];
      for (let i = 0; i < length; i++) {
        const w = grid.values[byColumn ? i * many + k : k * length + i] ?? 0;
        const angle = (2 * Math.PI * f * i) / length;
        re += w * Math.cos(angle);
        im += w * Math.sin(angle);
      }
      values[(f - 1) * many + k] = re * re + im * im;
      total += re * re + im * im;
    }
    for (let f = 0; f < top; f++) values[f * many + k] = (values[f * many + k] ?? 0) / (total || 1);
  }
  return { rows: top, columns: many, values };
}

/** The mean over neurons of a spectrum: one share a frequency. */
export function meanRows(grid: Grid): Float32Array {
  const mean = new Float32Array(grid.rows);
  for (let r = 0; r < grid.rows; r++) {
    for (let c = 0; c < grid.columns; c++) mean[r] = (mean[r] ?? 0) + (grid.values[r * grid.columns + c] ?? 0) / grid.columns;
  }
  return mean;
}

export function predictions(run: ExploredRun, net: Net): Predictions {
  const { p, hidden } = net;
  const trained = run.train ? unpack(run.train).values : new Float32Array(p * p);
  const target = run.target ? unpack(run.target).values : null;
  const right = new Uint8Array(p * p);
  const train = new Uint8Array(p * p);
  const counts = [0, 0];
  const hits = [0, 0];
  const h = new Float32Array(hidden);
  for (let a = 0; a < p; a++) {
    for (let b = 0; b < p; b++) {
      for (let k = 0; k < hidden; k++) {
        h[k] = net.act((net.a.values[a * hidden + k] ?? 0) + (net.b.values[b * hidden + k] ?? 0) + (net.bias[k] ?? 0));
      }
      let [best, most] = [0, -Infinity];
      for (let c = 0; c < p; c++) {
        let z = net.outBias[c] ?? 0;
        for (let k = 0; k < hidden; k++) z += (h[k] as number) * (net.out.values[k * p + c] as number);
        if (z > most) [best, most] = [c, z];
      }
      const i = a * p + b;
      const wanted = target ? Math.round(target[i] ?? -1) : (a + b) % p;
      const seen = (trained[i] ?? 0) > 0 ? 1 : 0;
      train[i] = seen;
      right[i] = best === wanted ? 1 : 0;
      counts[seen] = (counts[seen] ?? 0) + 1;
      hits[seen] = (hits[seen] ?? 0) + (right[i] ?? 0);
    }
  }
  const share = (k: number) => (counts[k] ? (hits[k] ?? 0) / (counts[k] ?? 1) : NaN);
  return { right, train, trainAccuracy: share(1), testAccuracy: share(0) };
}
