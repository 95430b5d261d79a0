// The data of `heldout view`, schemas "heldout.view-runs/1" and "heldout.view-run/1". Strings are text from strangers.
import type { Maybe } from "../schema";

export interface Facts {
  id: string;
  name: Maybe<string>;
  kind: string;
  status: Maybe<string>;
  reason: Maybe<string>;
  created: Maybe<string>;
  started: Maybe<string>;
  finished: Maybe<string>;
  seed: Maybe<number>;
  attempt: Maybe<number>;
  outcome: string;
  took: Maybe<number>;
  doubt: string;
  hash?: Maybe<string>;
  code?: Maybe<string>;
  python?: Maybe<string>;
  platform?: Maybe<string>;
}

export interface RunLine extends Facts {
  last: Record<string, number>;
  step: Maybe<number>;
  phase: string;
  report: string; // the kind of its report, "" where it has none
  file?: Maybe<string>; // in a static site: where its data stand
}

export interface RunsJson {
  schema: string;
  folder: string;
  runs: RunLine[];
  files: { id: string; kind: string; file?: Maybe<string> }[];
}

export interface SeriesLine {
  writer: string;
  x: number[];
  y: Maybe<number>[];
  low?: Maybe<number>[];
  high?: Maybe<number>[];
}

export interface Series {
  name: string;
  lines: SeriesLine[];
  n: number;
  last: { x?: Maybe<number>; value?: Maybe<number>; low?: Maybe<number>; high?: Maybe<number> };
  withheld?: { x?: Maybe<number>; status?: string }; // the newest reading, where it has no value
}

export interface PhaseJson {
  name?: unknown;
  start?: unknown;
  end?: unknown;
  evidence?: unknown;
}

export interface HeatJson {
  steps: number[];
  every: number;
  rows: number;
  data: string;
  order: number[];
  learned: number;
}

export interface RunJson extends Facts {
  schema: string;
  read: number;
  rows: number;
  damaged: number;
  writers: number;
  x: string;
  series: Series[];
  phases?: PhaseJson[];
  heat?: Record<string, HeatJson>;
  last?: Record<string, string>;
  spec?: unknown;
  notes?: unknown;
}

export interface SqlJson {
  columns: string[];
  rows: Maybe<string | number | boolean>[][];
}
