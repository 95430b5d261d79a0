// The index: every study with its question, and of its kept full run the verdict, the effect, seeds and cost.
import { count, duration } from "../numbers";
import type { Studies, StudyLine } from "../schemas/study";
import { Section } from "../section";
import { clean, Text } from "../text";
import { Top } from "../top";
import { Value } from "../value";

const ORDER = ["supported", "refuted", "undecided"];

function Line({ line }: { line: StudyLine }) {
  const said = line.verdict;
  return (
    <tr>
      <th scope="row">
        {said ? <a href={`${encodeURIComponent(line.name)}.html`}><Text of={line.question} /></a> : <Text of={line.question} />}
        <span class="tiny study-name"><code><Text of={line.name} /></code> · <Text of={line.source} /></span>
      </th>
      <td data-label="verdict">{said ? <strong class="word"><Text of={said.headline} /></strong> : <span class="minor">no full run yet</span>}</td>
      <td data-label="effect">{line.effect ? <><Value e={line.effect} /> <span class="tiny"><Text of={line.effect.name} /></span></> : "—"}</td>
      <td data-label="seeds">{said ? count(line.seeds) : "—"}</td>
      <td data-label="cost">{said ? <>{duration(line.core_seconds)} <span class="tiny">of one core</span></> : "—"}</td>
    </tr>
  );
}

export function StudiesPage({ report, source }: { report: Studies; source: string }) {
  const lines = report.studies;
  const kept = lines.filter((line) => line.verdict);
  const counts = ORDER.map((word) => `${kept.filter((line) => line.verdict?.headline === word).length} ${word}`);
  return (
    <>
      <Top what="all" title={report.title} facts={[`${lines.length} studies`, `${kept.length} with a full run`]} source={source} />
      <section id="answer" class="verdict tone-ink" aria-labelledby="answer-title">
        <h1 id="answer-title">{kept.length} claims put to the test</h1>
        <p class="sentence">{counts.join(", ")}, each by a rule that was written before its run.</p>
        {lines.length > kept.length && <p class="next minor">{lines.length - kept.length} more can be run and have no kept full run yet.</p>}
      </section>
      <Section id="studies" title="The questions">
        <table class="cards studies">
          <thead><tr><th scope="col">question</th><th scope="col">verdict</th><th scope="col">effect (interval)</th><th scope="col">seeds</th><th scope="col">cost</th></tr></thead>
          <tbody>{lines.map((line) => <Line line={line} />)}</tbody>
        </table>
      </Section>
      <Section id="rerun" title="How to run one">
        <pre class="command" tabIndex={0}><bdi>{`heldout study ${clean(lines[0]?.name ?? "NAME")}`}</bdi></pre>
        <p class="minor">A quick run of at most a minute; <code>--full</code> asks for everything the rule wants.</p>
      </Section>
    </>
  );
}
