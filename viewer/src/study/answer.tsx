// Question and verdict first, the numbers behind them, and which run the page shows.
import { Fold } from "../fold";
import { count, duration, isNumber } from "../numbers";
import type { NamedNumber, Study, StudyRun } from "../schemas/study";
import { clean, Text } from "../text";
import { StudyNumber } from "./number";

const FIRST = 8;

const day = (run: StudyRun) => clean(run.finished ?? run.created).slice(0, 10) || "unknown date";

function Shows({ study }: { study: Study }) {
  const run = study.run;
  if (study.shows === "kept") {
    return (
      <p class="next">
        <strong>This is the kept full run</strong> of {day(run)}: {count(run.seeds)} seeds, {count(run.cells)} cells,{" "}
        {duration(run.core_seconds)} of one core.
      </p>
    );
  }
  return (
    <>
      <p class="next">
        <strong>This is your {clean(run.size)} run</strong> of {day(run)}: {count(run.seeds)} seeds, {count(run.done)} of{" "}
        {count(run.cells)} cells.
      </p>
      {study.kept ? (
        <p class="next">
          <strong>The kept full run</strong> ({day(study.kept.run)}, {count(study.kept.run.seeds)} seeds) says{" "}
          <em><Text of={study.kept.headline} /></em>: <Text of={study.kept.sentence} />
        </p>
      ) : (
        <p class="next minor">No full run of this study is kept.</p>
      )}
    </>
  );
}

function Numbers({ of }: { of: NamedNumber[] }) {
  return (
    <table class="cards numbers-of">
      <thead><tr><th scope="col">number of the rule</th><th scope="col">estimate</th><th scope="col">method</th><th scope="col" class="value">n</th></tr></thead>
      <tbody>
        {of.map((e) => (
          <tr>
            <th scope="row"><Text of={e.name} /></th>
            <td data-label="estimate"><StudyNumber e={e} /></td>
            <td data-label="method"><span><Text of={e.method || "not named"} />{isNumber(e.level) && e.level < 1 && <span class="minor"> at {Math.round(e.level * 1000) / 10}{"\u00a0%"}</span>}</span></td>
            <td data-label="n" class="value">{count(e.n)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function StudyAnswer({ study }: { study: Study }) {
  const { headline, sentence, why, numbers } = study.verdict;
  return (
    <section id="answer" class="verdict tone-ink" aria-labelledby="answer-title">
      <p class="question"><Text of={study.question} /></p>
      <h1 id="answer-title">{clean(headline)}</h1>
      <p class="sentence"><Text of={sentence} /></p>
      {why && <p class="next minor"><Text of={why} /></p>}
      <Shows study={study} />
      {study.rule_changed && <p class="next"><strong>The rule was changed after this run;</strong> the verdict is by the new one.</p>}
      {!!numbers?.length && <Numbers of={numbers.slice(0, FIRST)} />}
      {!!numbers && numbers.length > FIRST && (
        <Fold summary={`${numbers.length - FIRST} more numbers`}><Numbers of={numbers.slice(FIRST)} /></Fold>
      )}
    </section>
  );
}
