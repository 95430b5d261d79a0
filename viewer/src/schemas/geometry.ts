// The geometry section of an audit (--deep). A picture without data is its reason in `status`.
import type { Estimate, Maybe } from "../schema";

type Numbers = Maybe<number>[];

export interface Traces {
  status: string;
  steps?: number[]; // below 0: burn-in
  chains?: Numbers[];
  of?: number;
  burn?: number;
  n_beta?: number;
  r_hat?: Maybe<number>;
  target?: string;
  answer?: string; // "ok", or why the learning coefficient was withheld
}

export interface Density {
  status: string;
  grid?: Numbers;
  density?: Numbers;
  low?: Numbers;
  high?: Numbers;
  level?: number;
  width?: number;
  parameters?: number;
  method?: string;
}

export interface Plane {
  status: string;
  a?: number[];
  b?: number[];
  loss?: (number | null)[][];
  method?: string;
}

export interface Slices {
  status: string;
  cutoff?: number;
  at_start?: number;
  method?: string;
  n?: number;
  lines?: { name: string; tone: string; offsets: number[]; loss: Numbers; at_start: number }[];
  plane?: Plane;
}

export interface Geometry {
  loss?: Maybe<number>;
  twin_loss?: Maybe<number>;
  twin_status?: Maybe<string>;
  sentence?: Maybe<string>; // Lambda(t, R) beside the twin's, in words
  rows?: Maybe<{ name: string; formula?: Maybe<string>; value: Maybe<Estimate>; control: Maybe<Estimate> }[]>;
  traces?: Maybe<Traces>;
  density?: Maybe<Density>;
  slices?: Maybe<Slices>;
}
