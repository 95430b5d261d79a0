// The data of the certificates page, schema "heldout.certify/1"; every number may be null.
import type { Estimate, Maybe } from "../schema";

export interface Bound {
  quantity?: Maybe<string>;
  value: Maybe<number>;
  delta?: Maybe<number>;
  n?: Maybe<number>;
  formula?: Maybe<string>;
  source?: Maybe<string>;
  assumptions?: Maybe<string[]>;
  ledger?: Maybe<{ what: string; delta: Maybe<number> }[]>;
  status?: Maybe<string>;
  rows?: Maybe<string>;
  prior?: Maybe<string>;
  trivial?: Maybe<number>;
  unit?: Maybe<string>;
  vacuous?: Maybe<boolean>;
}

export interface BoundRow {
  family: string;
  predictor?: Maybe<string>;
  certificate: Bound;
  control?: Maybe<Bound>;
  observed?: Maybe<Estimate>;
  seconds?: Maybe<number>;
}

export interface Certified {
  schema: string;
  title: string;
  created?: Maybe<string>;
  version?: Maybe<string>;
  seed?: Maybe<number>;
  seconds?: Maybe<number>;
  headline?: Maybe<string>;
  sentence?: Maybe<string>;
  command?: Maybe<string>;
  delta?: Maybe<number>;
  chance?: Maybe<number>;
  suspicious?: Maybe<string[]>;
  rows?: Maybe<BoundRow[]>;
}
