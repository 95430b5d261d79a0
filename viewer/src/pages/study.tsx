// A study: question and verdict, the rule, the figures, what was run, what was published, how to run it again.
import { useState } from "preact/hooks";
import { Explorer } from "../explore/explorer";
import { count, duration, isNumber } from "../numbers";
import type { Study } from "../schemas/study";
import { Guard, Section } from "../section";
import { StudyAnswer } from "../study/answer";
import { Comparison, RuleOf, RunAgain, WhatWasRun } from "../study/facts";
import { Figures } from "../study/figures";
import { CellsProvider } from "../study/trace";
import { clean } from "../text";
import { Top } from "../top";

interface Props {
  report: Study;
  source: string;
  inside?: boolean; // of `heldout view`, which has a top line of its own
}

export function StudyPage({ report, source, inside = false }: Props) {
  const run = report.run;
  const [cell, setCell] = useState<string | null>(null);
  const facts = [
    clean(run.finished ?? run.created).slice(0, 10),
    `${clean(run.size)} run`,
    isNumber(run.seeds) ? `${count(run.seeds)} seeds` : "",
    isNumber(run.core_seconds) ? `${duration(run.core_seconds)} of one core` : "",
  ];
  return (
    <CellsProvider value={{ of: report.cells ?? {}, command: report.rerun?.cell ?? "" }}>
      {!inside && <Top what="study" title={report.title} facts={facts} source={source} />}
      <Guard><StudyAnswer study={report} /></Guard>
      <Section id="rule" title={report.shows === "kept" ? "The rule, as it was committed" : "The rule"}><RuleOf study={report} /></Section>
      <Section id="figures" title="What came out"><Figures figures={report.figures ?? []} onCell={setCell} /></Section>
      {!!report.explorable?.runs?.length && (
        <Section id="explore" title="Explore a run"><Explorer data={report.explorable} cell={cell} /></Section>
      )}
      <Section id="run" title="What was run"><WhatWasRun study={report} /></Section>
      <Section id="published" title="Beside what was published"><Comparison study={report} /></Section>
      <Section id="rerun" title="How to rerun this"><RunAgain study={report} /></Section>
    </CellsProvider>
  );
}
