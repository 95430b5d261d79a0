// The studies that heldout brings, each with the verdict of its kept full run; a page each, with its explorable.
import { useEffect, useState } from "preact/hooks";
import { count, duration } from "../numbers";
import type { Studies } from "../schemas/study";
import { StudyNumber } from "../study/number";
import { Text } from "../text";
import { address } from "./route";
import { loadStudies, onDisk, pageAddress } from "./source";
import { Waiting } from "./waiting";

export function StudiesList() {
  const [found, setFound] = useState<Studies | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    loadStudies().then(setFound, (error: unknown) => setFailure(String(error)));
  }, []);
  if (!found) return <Waiting what="the studies (their verdicts are computed from the kept rows)" failure={failure} />;
  return (
    <>
      <header class="view-head"><h1 tabIndex={-1}>Studies</h1><p class="facts"><span>{count(found.studies.length)} questions</span><span>{count(found.studies.filter((s) => s.verdict).length)} with a kept full run</span></p></header>
      <table class="cards studies">
        <thead><tr><th scope="col">question</th><th scope="col">verdict</th><th scope="col">effect (interval)</th><th scope="col">seeds</th><th scope="col">cost</th></tr></thead>
        <tbody>
          {found.studies.map((line) => (
            <tr>
              <th scope="row">
                {line.verdict ? <a href={onDisk ? pageAddress("study", line.name) : address("study", line.name)}><Text of={line.question} /></a> : <Text of={line.question} />}
                <span class="tiny study-name"><code><Text of={line.name} /></code> · <Text of={line.source} /></span>
              </th>
              <td data-label="verdict">{line.verdict ? <strong class="word"><Text of={line.verdict.headline} /></strong> : <span class="minor">no full run yet</span>}</td>
              <td data-label="effect">{line.effect ? <span><StudyNumber e={line.effect} /> <span class="tiny"><Text of={line.effect.name} /></span></span> : "—"}</td>
              <td data-label="seeds">{line.verdict ? count(line.seeds) : "—"}</td>
              <td data-label="cost">{line.verdict ? duration(line.core_seconds) : "—"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
