// Data that follow the server: loaded again when it says so, one request at a time, at most about one a second.
import { useEffect, useState } from "preact/hooks";
import { follow, type Topic } from "./source";

const PAUSE = 800; // milliseconds between two requests

export interface Live<T> {
  data: T | null;
  failure: string | null;
  lost: boolean; // the server does not answer; what is shown is what was last known
}

/** `load` again at every change of `topic` (null: once), and until `whole` says that nothing is missing. */
export function useLive<T>(key: string, topic: Topic | null, load: (signal: AbortSignal) => Promise<T>, whole: (data: T) => boolean): Live<T> {
  const [state, setState] = useState<Live<T> & { key: string }>({ key, data: null, failure: null, lost: false });
  useEffect(() => {
    const stop = new AbortController();
    let busy = false;
    let again = false;
    const ask = async () => {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      again = false;
      let pause = PAUSE;
      try {
        const data = await load(stop.signal);
        if (stop.signal.aborted) return;
        setState((old) => ({ ...old, key, data, failure: null }));
        if (!whole(data)) [again, pause] = [true, 0];
      } catch (error) {
        if (stop.signal.aborted) return;
        setState((old) => ({ ...old, key, failure: error instanceof Error ? error.message : String(error) }));
      }
      window.setTimeout(() => {
        busy = false;
        if (again && !stop.signal.aborted) void ask();
      }, pause);
    };
    void ask();
    const end = topic === null ? () => undefined : follow(topic, () => void ask(), (lost) => setState((old) => (old.lost === lost ? old : { ...old, lost })));
    return () => {
      stop.abort();
      end();
    };
  }, [key]);
  return state.key === key ? state : { data: null, failure: null, lost: state.lost };
}
