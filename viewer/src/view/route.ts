// Where the reader is: all of it stands in the address, so that a link leads to the same view.
import { useEffect, useState } from "preact/hooks";

export interface Route {
  page: string; // runs, run, compare, reports, studies, calibration, sql
  id: string;
  query: URLSearchParams;
}

/** "#/run/a-1?log=1" and its kind; anything else is the list of runs. */
export function readRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [page = "", ...rest] = path.split("/");
  let id = rest.join("/");
  try {
    id = decodeURIComponent(id);
  } catch {
    // a stray percent sign: the text as it is names no run, and the page says so
  }
  return { page: page || "runs", id, query: new URLSearchParams(query) };
}

export function address(page: string, id = "", query: Record<string, string> = {}): string {
  const known = Object.entries(query).filter(([, value]) => value !== "");
  const text = new URLSearchParams(known).toString();
  return `#/${page}${id ? `/${encodeURIComponent(id)}` : ""}${text ? `?${text}` : ""}`;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const read = () => setRoute(readRoute(location.hash));
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, []);
  return route;
}

/** Change what the address says of this page, without a new entry in the history. */
export function amend(changes: Record<string, string>): void {
  const route = readRoute(location.hash); // not what was last drawn: two keys may follow each other faster
  const query = { ...Object.fromEntries(route.query), ...changes };
  history.replaceState(null, "", address(route.page, route.id, query));
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}
