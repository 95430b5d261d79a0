// How the instruments do against exactly known answers: truth, z-scores, coverage, cost, and every case.
import { Answer } from "../answer";
import { count, duration, isNumber } from "../numbers";
import type { Calibration } from "../schemas/calibrate";
import { Section } from "../section";
import { Cases } from "../sections/cases";
import { Cost, Coverage, dataOf, Scores, Truth } from "../sections/instruments";
import { Command } from "../sections/rerun";
import { clean } from "../text";
import { Top } from "../top";

export function CalibratePage({ report, source }: { report: Calibration; source: string }) {
  const data = dataOf(report);
  const facts = [
    clean(report.created).slice(0, 10),
    isNumber(report.runs_of) ? `${count(report.runs_of)} runs` : "",
    isNumber(report.seconds) ? duration(report.seconds) : "",
  ];
  return (
    <>
      <Top what="calibration of" title={report.title} facts={facts} source={source} />
      <Answer headline={report.headline} sentence={report.sentence} />
      <Section id="against-truth" title="Do they find the truth?"><Truth data={data} /></Section>
      <Section id="coverage-section" title="Do their intervals hold it?"><Coverage data={data} /></Section>
      <Section id="scores-section" title="Are their errors honest?"><Scores data={data} /></Section>
      <Section id="cost-section" title="What does an answer cost?"><Cost data={data} /></Section>
      <Section id="cases" title="Every case"><Cases cases={data.cases} /></Section>
      <Section id="rerun" title="How to rerun this"><Command of={report.command} version={report.version} /></Section>
    </>
  );
}
