// What can be guaranteed about a model's error: the answer, every family on one axis, and each certificate's terms.
import { Answer } from "../answer";
import { duration, briefly, isNumber } from "../numbers";
import type { Certified } from "../schemas/certify";
import { Command } from "../sections/rerun";
import { Section } from "../section";
import { Bounds } from "../sections/bounds";
import { clean } from "../text";
import { Top } from "../top";

export function CertifyPage({ report, source }: { report: Certified; source: string }) {
  const facts = [
    clean(report.created).slice(0, 10),
    isNumber(report.delta) ? `delta ${briefly(report.delta)} for each row` : "",
    isNumber(report.seed) ? `seed ${report.seed}` : "",
    isNumber(report.seconds) ? duration(report.seconds) : "",
  ];
  return (
    <>
      <Top what="certificates of" title={report.title} facts={facts} source={source} />
      <Answer headline={report.headline} sentence={report.sentence} tone={report.suspicious?.length ? "rote" : "none"} />
      <Section id="bounds" title="What is guaranteed, by which argument">
        <Bounds id="bounds" rows={report.rows ?? []} chance={report.chance} />
      </Section>
      <Section id="rerun" title="How to rerun this"><Command of={report.command} version={report.version} seed={report.seed} /></Section>
    </>
  );
}
