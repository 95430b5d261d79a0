// The data of a study's page, "heldout.study/1", and of the index, "heldout.studies/1"; every number may be null.
import type { Estimate, Maybe } from "../schema";
import type { Explorable } from "./explorable";

export type Role = "rote" | "rule" | "chance" | "other";
export type Numbers = Maybe<number>[];

export interface Mark {
  axis: "x" | "y";
  value: number;
  label: string;
}

export interface Series {
  name: string;
  role: Role;
  x: Numbers;
  y: Numbers;
  low?: Maybe<Numbers>;
  high?: Maybe<Numbers>;
  thin?: Maybe<boolean>;
  steps?: Maybe<boolean>;
  cell?: Maybe<string>;
}

interface Titled {
  title: string;
  caption: string;
}

export interface LinesFigure extends Titled {
  kind: "lines";
  x_name: string;
  y_name: string;
  log_x?: Maybe<boolean>;
  log_y?: Maybe<boolean>;
  series: Series[];
  marks: Mark[];
}

export interface HeatMapFigure extends Titled {
  kind: "heat_map";
  x_name: string;
  y_name: string;
  x: string[];
  y: string[];
  values: Numbers[];
  value_name: string;
  words?: Maybe<Maybe<string>[][]>;
  cells?: Maybe<Maybe<string>[][]>;
}

export interface DotRow {
  name: string;
  value: Maybe<number>;
  low: Maybe<number>;
  high: Maybe<number>;
  role: Role;
  cell?: Maybe<string>;
}

export interface DotsFigure extends Titled {
  kind: "dots";
  x_name: string;
  log_x?: Maybe<boolean>;
  rows: DotRow[];
  marks: Mark[];
}

export type StudyFigure = LinesFigure | HeatMapFigure | DotsFigure;

export interface NamedNumber extends Estimate {
  name: string;
}

export interface StudyVerdict {
  headline: string;
  sentence: string;
  why?: Maybe<string>;
  numbers?: Maybe<NamedNumber[]>;
}

export interface StudyRun {
  size?: Maybe<string>;
  seeds?: Maybe<number>;
  cells?: Maybe<number>;
  done?: Maybe<number>;
  failed?: Maybe<{ cell: string; reason: string }[]>;
  diverged?: Maybe<number>;
  rows?: Maybe<number>;
  core_seconds?: Maybe<number>;
  seconds?: Maybe<number>;
  interrupted?: Maybe<boolean>;
  created?: Maybe<string>;
  finished?: Maybe<string>;
  machine?: Maybe<string>;
  workers?: Maybe<number>;
  on?: Maybe<string>;
  command?: Maybe<string>;
  packages?: Maybe<Record<string, string>>;
  python?: Maybe<string>;
  platform?: Maybe<string>;
  study_code?: Maybe<{ revision: string; changed: Maybe<boolean> }>;
  added?: Maybe<{ cells: string[]; revision: string; finished: string }>; // cells that a kept run was given later
}

export interface Cell {
  spec: Record<string, unknown>;
  end: string;
  reason?: Maybe<string>;
  seconds?: Maybe<number>;
  rows?: Maybe<number>;
}

export interface Study {
  schema: string;
  title: string;
  version?: Maybe<string>;
  question: string;
  claim: string;
  source: string;
  shows: "kept" | "yours";
  verdict: StudyVerdict;
  kept?: Maybe<StudyVerdict & { run: StudyRun }>;
  rule: Record<string, Maybe<string | number>>;
  rule_changed?: Maybe<boolean>;
  comparison?: Maybe<{ what: string; published: string; where: string; ours: Maybe<Estimate> }[]>;
  figures?: Maybe<StudyFigure[]>;
  run: StudyRun;
  cells?: Maybe<Record<string, Cell>>;
  rerun?: Maybe<{ command: string; cell: string }>;
  explorable?: Maybe<Explorable>;
}

export interface StudyLine {
  name: string;
  question: string;
  claim: string;
  source: string;
  published?: Maybe<number>;
  verdict: Maybe<StudyVerdict>;
  effect?: Maybe<NamedNumber>;
  seeds?: Maybe<number>;
  cells?: Maybe<number>;
  seconds?: Maybe<number>;
  core_seconds?: Maybe<number>;
  machine?: Maybe<string>;
  finished?: Maybe<string>;
}

export interface Studies {
  schema: string;
  title: string;
  version?: Maybe<string>;
  studies: StudyLine[];
}
