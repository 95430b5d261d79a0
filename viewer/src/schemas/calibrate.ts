// The data of the calibration page, schema "heldout.calibrate/1".
import type { Estimate, Maybe } from "../schema";

export interface Instrument {
  name: string;
  coverage: Maybe<Estimate>;
  level: Maybe<number>;
  certain?: boolean; // its interval holds the answer with certainty: its stderr is a bound, and z-scores say nothing
  cases: number;
  silent: number; // cases in which no run gave an answer
  runs: number;
  answered: number;
  seconds: Maybe<number>;
}

export interface Case {
  instrument: string;
  case: string;
  truth: Maybe<number>;
  runs: number;
  answered: number;
  covered: number;
  coverage_low?: Maybe<number>;
  coverage_high?: Maybe<number>;
  mean: Maybe<number>;
  error: Maybe<number>; // root mean square of estimate - truth, over |truth|
  stderr: Maybe<number>;
  z: Maybe<number>;
  seconds: Maybe<number>;
  gradients: Maybe<number>;
  reason?: Maybe<string>;
}

export type Run = [number: number, value: Maybe<number>, low: Maybe<number>, high: Maybe<number>, z: Maybe<number>];

export interface Calibration {
  schema: string;
  title: string;
  created?: Maybe<string>;
  version?: Maybe<string>;
  seconds?: Maybe<number>;
  headline?: Maybe<string>;
  sentence?: Maybe<string>;
  command?: Maybe<string>;
  instruments?: Maybe<Instrument[]>;
  cases?: Maybe<Case[]>;
  runs?: Maybe<Run[]>;
  runs_of?: Maybe<number>;
}
