// Branches that the reader started by their commands, as far as they came; only a page that a server feeds has them.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { count, isNumber } from "../numbers";
import type { Maybe } from "../schema";
import type { ExploredRun } from "../schemas/explorable";
import { clean, short } from "../text";

export interface Branch {
  state: "running" | "done" | "stopped";
  reason?: Maybe<string>;
  step?: Maybe<number>;
  steps?: Maybe<number>;
  at: number[];
  measures: Record<string, Maybe<number>[]>;
  whole?: boolean; // its weights can be asked for
}

export interface LiveBranches {
  of: Record<string, Branch>; // by the cell's hash
  lost: boolean; // the server does not answer
  load: (cell: string) => Promise<ExploredRun>;
  chosen: { run: string; branch: string }; // a run's name, a branch's hash; "" for none
  choose: (change: { run?: string; branch?: string }) => void;
}

const Live = createContext<LiveBranches | null>(null);

export const LiveProvider = Live.Provider;

/** null in a file, which nothing feeds. */
export const useBranches = () => useContext(Live);

/** "running, step 340 of 3,000" */
export function stateOf(branch: Branch | undefined): string {
  if (!branch) return "waiting for the run of the command above";
  const step = isNumber(branch.step) ? count(branch.step) : null;
  const of = isNumber(branch.steps) ? ` of ${count(branch.steps)}` : "";
  if (branch.state === "running") {
    if (step === null) return "started";
    return branch.step === branch.steps ? `trained, step ${step}${of}; what needs its weights is being measured` : `running, step ${step}${of}`;
  }
  const why = branch.reason ? `: ${short(clean(branch.reason), 300)}` : "";
  if (branch.state === "done") return `done${step === null ? "" : `, ${step} steps`}${why}`;
  return `stopped${step === null ? "" : ` at step ${step}`}${why}`;
}
