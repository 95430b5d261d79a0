// How to rerun this: the command, versions, seed and the hash of the data.
import type { Maybe, Report } from "../schema";
import { clean, Text } from "../text";
import { Absent } from "../charts/figure";
import { whyAbsent } from "../absence";

export function Rerun({ report }: { report: Report }) {
  const rerun = report.rerun;
  if (!rerun) return <Absent what="The command" why={whyAbsent(report, "rerun")} />;
  const packages = Object.entries(rerun.packages ?? {});
  const facts: [string, unknown][] = [
    ["heldout", report.version],
    ["python", rerun.python],
    ["platform", rerun.platform],
    ["threads", rerun.threads],
    ["seed", rerun.seed],
    ["hash of the data", rerun.data_hash],
  ];
  return (
    <>
      {rerun.command ? <pre class="command" tabIndex={0}><bdi>{clean(rerun.command)}</bdi></pre> : <Absent what="The command" why="not recorded" />}
      <dl class="facts-list">
        {facts.map(([name, value]) => <><dt>{name}</dt><dd>{value === null || value === undefined || value === "" ? "— not recorded" : <Text of={value} />}</dd></>)}
        <dt>packages</dt>
        <dd>{packages.length ? packages.map(([name, version]) => <span class="package"><Text of={name} /> <Text of={version} /></span>) : "— not recorded"}</dd>
      </dl>
    </>
  );
}

/** The same on pages that record only the command, the version and the seed. */
export function Command({ of, version, seed }: { of: Maybe<string>; version: Maybe<string>; seed?: Maybe<number> }) {
  return (
    <>
      {of ? <pre class="command" tabIndex={0}><bdi>{clean(of)}</bdi></pre> : <Absent what="The command" why="not recorded" />}
      <dl class="facts-list">
        <dt>heldout</dt><dd>{version ? <Text of={version} /> : "— not recorded"}</dd>
        {seed !== null && seed !== undefined && <><dt>seed</dt><dd><Text of={seed} /></dd></>}
      </dl>
    </>
  );
}
