// Where the data come from: the server beside this page, or scripts in the folder that this page was opened from.
import type { Maybe } from "../schema";
import type { RunJson, RunsJson, SqlJson } from "../schemas/view";
import type { Branch } from "../explore/live";
import type { ExploredRun } from "../schemas/explorable";
import type { Studies, Study } from "../schemas/study";

declare global {
  interface Window {
    heldoutData?: (key: string, json: string) => void;
    trustedTypes?: { createPolicy: (name: string, rules: { createScriptURL: (text: string) => string }) => { createScriptURL: (text: string) => string } };
  }
}

/** What is watched: a run, the branches of a study, or with neither the list of runs. */
export type Topic = { run: string } | { study: string } | Record<string, never>;

const kept = new Map<string, unknown>();
const waiting = new Map<string, (data: unknown) => void>();

/** Whether this page is a static site: its data were written beside it. */
export const onDisk = document.querySelector('meta[http-equiv="Content-Security-Policy"]') !== null;

// The scripts in data/ call this with their data as JSON text, so that no key of a run can be anything but a key.
window.heldoutData = (key, json) => {
  const data: unknown = JSON.parse(json);
  kept.set(key, data);
  waiting.get(key)?.(data);
};

const policy = onDisk
  ? window.trustedTypes?.createPolicy("heldout", {
      createScriptURL: (text) => {
        if (!/^data\/[a-z0-9-]+\.js$/.test(text)) throw new TypeError("not a data file of this site");
        return text;
      },
    })
  : undefined;

async function fromServer<T>(path: string, signal?: Maybe<AbortSignal>, headers: Record<string, string> = {}): Promise<T> {
  const answer = await fetch(path, { signal: signal ?? null, headers, credentials: "same-origin" });
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text) as T;
  let why = text;
  try {
    why = (JSON.parse(text) as { error: string }).error;
  } catch {
    // an answer in plain words: it is the reason itself
  }
  throw new Error(why || `the server answered ${answer.status}`);
}

async function fromDisk<T>(file: string): Promise<T> {
  if (kept.has(file)) return kept.get(file) as T;
  return new Promise<T>((done, fail) => {
    waiting.set(file, (data) => done(data as T));
    const script = document.createElement("script");
    const source = `data/${file}.js`;
    script.src = policy ? policy.createScriptURL(source) : source;
    script.onerror = () => fail(new Error(`the file ${source} is missing from this site`));
    document.head.append(script);
  });
}

export function loadRuns(): Promise<RunsJson> {
  return onDisk ? fromDisk("runs") : fromServer("/api/runs");
}

export async function loadRun(id: string, signal?: AbortSignal, only: string[] = []): Promise<RunJson> {
  if (onDisk) {
    const file = (await loadRuns()).runs.find((run) => run.id === id)?.file;
    if (!file) throw new Error("this site holds no such run");
    return fromDisk(file);
  }
  const asked = only.map((name) => `only=${encodeURIComponent(name)}`);
  return fromServer(`/api/runs/${encodeURIComponent(id)}?${["points=600", ...asked].join("&")}`, signal);
}

export function loadStudies(): Promise<Studies> {
  return onDisk ? fromDisk("studies") : fromServer("/api/studies");
}

/** The data of a study's page, its commands writing into the folder that is served; only from a server. */
export function loadStudy(name: string, signal: AbortSignal): Promise<Study> {
  return fromServer(`/api/studies/${encodeURIComponent(name)}`, signal);
}

/** What the reader started at a study's bidding, as far as it came. */
export function loadBranches(name: string, signal: AbortSignal): Promise<{ cells: Record<string, Branch> }> {
  return fromServer(`/api/branches/${encodeURIComponent(name)}`, signal);
}

export function loadBranch(name: string, cell: string): Promise<ExploredRun> {
  return fromServer(`/api/branches/${encodeURIComponent(name)}/${encodeURIComponent(cell)}`);
}

export function runQuery(text: string, signal: AbortSignal): Promise<SqlJson> {
  return fromServer(`/api/sql?q=${encodeURIComponent(text)}`, signal, { "X-Heldout-Sql": "1" });
}

/** The address of a page that stands by itself. */
export function pageAddress(kind: "page" | "study", id: string, file?: Maybe<string>): string {
  return onDisk ? `${kind}/${file ?? id}.html` : `/${kind}/${encodeURIComponent(id)}`;
}

/** Calls `changed` at once and whenever the server says that something changed; returns how to stop. */
export function follow(topic: Topic, changed: () => void, broken: (lost: boolean) => void): () => void {
  if (onDisk) {
    changed();
    return () => undefined;
  }
  const events = new EventSource(`/api/events?${new URLSearchParams(topic)}`);
  events.onopen = () => broken(false);
  events.onmessage = changed;
  events.onerror = () => broken(true);
  return () => events.close();
}
