// The learning coefficient along training, schema "heldout.trajectory/1".
import type { Estimate, Maybe } from "../schema";

export interface Checkpoint {
  step: number;
  train_loss: Maybe<Estimate>;
  test_loss?: Maybe<Estimate>;
  llc?: Maybe<Estimate>;
  trace?: Maybe<Estimate>;
}

export interface Trajectory {
  schema: string;
  title: string;
  created?: Maybe<string>;
  version?: Maybe<string>;
  seconds?: Maybe<number>;
  seed?: Maybe<number>;
  headline?: Maybe<string>;
  sentence?: Maybe<string>;
  command?: Maybe<string>;
  rows?: Maybe<Checkpoint[]>;
}
