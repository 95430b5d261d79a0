// A run to be scrubbed: measures over steps, and snapshots of a net's weights. The member "explorable" of a study's data.
//
// The net: hidden[k] = act(in_a[a, k] + in_b[b, k] + bias[k]), logit[c] = sum over k of hidden[k] out[k, c] + out_bias[c].
import type { Maybe } from "../schema";

/** Eight-bit numbers in base64, row by row; the value is the number times `scale`. */
export interface Packed {
  shape: number[];
  data: string;
  scale: number;
}

export interface Snapshot {
  step: number;
  arrays: Record<string, Packed>; // in_a [p h], in_b [p h], out [h p]; perhaps bias [h], out_bias [p]
}

export interface ExploredRun {
  name?: Maybe<string>;
  cell?: Maybe<string>; // the hash of its cell, so that a field of a map can load it
  steps: number[];
  measures: Record<string, Maybe<number>[]>;
  intervals?: Maybe<Record<string, { low: Maybe<number>[]; high: Maybe<number>[] }>>; // of measures, where they have one
  snapshots: Snapshot[];
  activation?: Maybe<"relu" | "quadratic" | "gelu">;
  train?: Maybe<Packed>; // [p p]: 1 where the pair (a, b) is trained on
  target?: Maybe<Packed>; // [p p]; (a + b) mod p where it is absent
  log_measures?: Maybe<string[]>; // drawn on a log axis
}

/** A run that is not here, and the command that makes it. */
export interface ToRun {
  name: string;
  command: string;
  cell?: Maybe<string>; // its hash
  of?: Maybe<string>; // the name of the run it branches
}

export interface Explorable {
  runs?: Maybe<ExploredRun[]>;
  interventions?: Maybe<ToRun[]>;
  absent?: Maybe<Record<string, ToRun>>; // place in a figure -> its run
  again?: Maybe<string>; // the command that makes this page again
}
