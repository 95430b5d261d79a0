// A kept study as the server knows it: its commands write into the folder that is served, and what they write is drawn live.
import { useMemo } from "preact/hooks";
import { LiveProvider, type LiveBranches } from "../explore/live";
import { StudyPage } from "../pages/study";
import { useLive } from "./live";
import { amend, address, type Route } from "./route";
import { loadBranch, loadBranches, loadStudy, onDisk, pageAddress } from "./source";
import { Waiting } from "./waiting";

function Served({ name, route }: { name: string; route: Route }) {
  const study = useLive(`study/${name}`, null, (signal) => loadStudy(name, signal), () => true);
  const live = useLive(`branches/${name}`, { study: name }, (signal) => loadBranches(name, signal), () => true);
  const chosen = { run: route.query.get("run") ?? "", branch: route.query.get("branch") ?? "" };
  const branches = useMemo<LiveBranches>(
    () => ({ of: live.data?.cells ?? {}, lost: live.lost, load: (cell) => loadBranch(name, cell), chosen, choose: amend }),
    [live.data, live.lost, chosen.run, chosen.branch],
  );
  const source = useMemo(() => JSON.stringify(study.data), [study.data]);
  if (!study.data) return <Waiting what="this study (its verdict is computed from the kept rows)" failure={study.failure} />;
  return (
    <>
      <p class="facts crumbs"><span><a href={address("studies")}>all studies</a></span><span><a href={pageAddress("study", name)}>as a page by itself</a></span></p>
      <LiveProvider value={branches}><StudyPage report={study.data} source={source} inside /></LiveProvider>
    </>
  );
}

export function StudyRoute({ route }: { route: Route }) {
  if (onDisk) return <p class="absent">The studies of this site are pages by themselves: <a href={address("studies")}>the list</a>.</p>;
  return <Served name={route.id} route={route} />;
}
