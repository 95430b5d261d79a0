// The report's JSON, schema "heldout.audit/1". Every number may be null; every string is text from a stranger.

import type { Geometry } from "./schemas/geometry";
import type { BoundRow } from "./schemas/certify";

export type Maybe<T> = T | null | undefined;

export interface Estimate {
  value?: Maybe<number>;
  low?: Maybe<number>;
  high?: Maybe<number>;
  level?: Maybe<number>;
  stderr?: Maybe<number>;
  method?: Maybe<string>;
  n?: Maybe<number>;
  status?: Maybe<string>;
}

export interface Rule {
  headline: string;
  rule: string;
  numbers: string;
  holds: Maybe<boolean>;
}

export interface Verdict {
  headline: string;
  sentence: string;
  rules?: Maybe<Rule[]>;
  why_undecided?: Maybe<string>;
  next?: Maybe<{ budget: string; adds: string; seconds: Maybe<number> }>;
}

export interface SplitRow {
  name: string;
  chance: Maybe<Estimate>;
  rule: Maybe<Estimate>;
  rote: Maybe<Estimate>;
  train: Maybe<Estimate>;
  out_of_sample: Maybe<Estimate>;
  share: Maybe<Estimate>;
  note?: Maybe<string>;
}

export interface Finding {
  code: string;
  severity: string;
  title: string;
  line: string;
  todo?: Maybe<string>;
  docs?: Maybe<string>;
  ids?: Maybe<(string | number)[]>;
  muted?: Maybe<boolean>;
}

export interface Control {
  name: string;
  score: Maybe<Estimate>;
  difference: Maybe<Estimate>;
  note?: Maybe<string>;
  kind?: Maybe<string>;
}

export interface Example {
  id: string | number;
  given?: Maybe<string | number>;
  likely?: Maybe<string | number>;
  memorization?: Maybe<Estimate>;
  out_confidence?: Maybe<number>;
  p_value?: Maybe<number>;
  flags?: Maybe<string[]>;
  image?: Maybe<string>;
  row?: Maybe<Maybe<number>[]>;
  text?: Maybe<string>;
}

export interface Examples {
  kind: string;
  columns?: Maybe<string[]>;
  score_name?: Maybe<string>;
  note?: Maybe<string>;
  items?: Maybe<Example[]>;
  images_dropped?: Maybe<number>; // written by render_report where the file would have grown too large
  size_limit?: Maybe<string>;
}

export type ScatterPoint = [x: Maybe<number>, y: Maybe<number>, flag: Maybe<number>, id: string | number];

export interface Scatter {
  x_name: string;
  y_name: string;
  points: ScatterPoint[];
}

export interface CurvePoint {
  n: number;
  value: Maybe<number>;
  low: Maybe<number>;
  high: Maybe<number>;
  extrapolated?: Maybe<boolean>;
}

export interface LearningCurve {
  x_name: string;
  y_name: string;
  points?: Maybe<{ n: number; score: Maybe<Estimate> }[]>;
  curve?: Maybe<CurvePoint[]>;
  sentence?: Maybe<string>;
}

export interface Reliability {
  bins?: Maybe<{ confidence: Maybe<number>; accuracy: Maybe<Estimate> }[]>;
  ece?: Maybe<Estimate>;
  sentence?: Maybe<string>;
}

export interface Certificate {
  quantity: string;
  value: Maybe<number>;
  delta: Maybe<number>;
  n: Maybe<number>;
  formula?: Maybe<string>;
  source?: Maybe<string>;
  assumptions?: Maybe<string[]>;
  ledger?: Maybe<{ what: string; delta: Maybe<number> }[]>;
  hold_out?: Maybe<Estimate>;
  status?: Maybe<string>;
}

export interface Measure {
  name: string;
  room?: Maybe<string>;
  value: Maybe<Estimate>;
  control?: Maybe<Estimate>;
  method?: Maybe<string>;
  formula?: Maybe<string>;
  source?: Maybe<string>;
  unit?: Maybe<string>;
  cost_seconds?: Maybe<number>;
  status?: Maybe<string>;
}

export interface GateRow {
  statistic: string;
  audited: Maybe<number>;
  refits_mean: Maybe<number>;
  refits_sd: Maybe<number>;
  p_value: Maybe<number>;
}

export interface Rerun {
  command?: Maybe<string>;
  python?: Maybe<string>;
  packages?: Maybe<Record<string, string>>;
  platform?: Maybe<string>;
  threads?: Maybe<number>;
  data_hash?: Maybe<string>;
  seed?: Maybe<number>;
}

export interface Report {
  schema: string;
  title: string;
  created?: Maybe<string>;
  seed?: Maybe<number>;
  budget?: Maybe<string>;
  refits?: Maybe<number>;
  seconds?: Maybe<number>;
  version?: Maybe<string>;
  task?: Maybe<string>;
  n?: Maybe<Record<string, Maybe<number>>>;
  classes?: Maybe<string[]>;
  model?: Maybe<string>;
  verdict: Verdict;
  split?: Maybe<SplitRow[]>;
  split_status?: Maybe<string>;
  findings?: Maybe<Finding[]>;
  controls?: Maybe<Control[]>;
  examples?: Maybe<Examples>;
  scatter?: Maybe<Scatter>;
  learning_curve?: Maybe<LearningCurve>;
  reliability?: Maybe<Reliability>;
  certificate?: Maybe<Certificate>;
  certificates?: Maybe<{ chance?: Maybe<number>; rows?: Maybe<BoundRow[]> }>;
  measures?: Maybe<Measure[]>;
  geometry?: Maybe<Geometry>;
  gate?: Maybe<{ status: string; rows?: Maybe<GateRow[]> }>;
  rerun?: Maybe<Rerun>;
  left_out?: Maybe<Record<string, string>>; // section name -> why it is absent; optional
}
