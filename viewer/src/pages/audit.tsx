// The audit report, in the order in which it is read: the answer, its picture, the reasons to doubt it, the detail.
import { useCallback, useState } from "preact/hooks";
import type { Finding, Report } from "../schema";
import { Guard, Section } from "../section";
import { Controls } from "../sections/controls";
import { Findings } from "../sections/findings";
import { Gate } from "../sections/gate";
import { Geometry } from "../sections/geometry";
import { Header } from "../sections/header";
import { Heart } from "../sections/heart";
import { Measures } from "../sections/measures";
import { MoreData } from "../sections/more_data";
import { Rerun } from "../sections/rerun";
import { Split } from "../sections/split";
import { Trust } from "../sections/trust";
import { Verdict } from "../sections/verdict";
import { EVERYTHING, type Selection } from "../selection";
import { Text } from "../text";

export function AuditPage({ report, source }: { report: Report; source: string }) {
  const [selection, setSelection] = useState<Selection>(EVERYTHING);
  const see = useCallback((finding: Finding) => {
    setSelection({ ...EVERYTHING, ids: new Set((finding.ids ?? []).map(String)), idsFrom: finding.code });
    const title = document.getElementById("gallery-title");
    title?.scrollIntoView();
    title?.focus({ preventScroll: true });
  }, []);
  const lead = (text: string | null | undefined) => text && <Text of={text} />;
  return (
    <>
      <Header report={report} source={source} />
      <Guard><Verdict verdict={report.verdict} /></Guard>
      <Guard><Split report={report} /></Guard>
      <Section id="findings" title="Findings"><Findings report={report} onSee={see} /></Section>
      <Section id="controls" title="What it adds over simple things"><Controls report={report} /></Section>
      <Section id="heart" title="What it holds by heart">
        <Heart report={report} selection={selection} onSelect={setSelection} />
      </Section>
      <Section id="more-data" title="Would more data help?" lead={lead(report.learning_curve?.sentence)}>
        <MoreData report={report} />
      </Section>
      <Section id="trust" title="Can its confidence be trusted?" lead={lead(report.reliability?.sentence)}>
        <Trust report={report} />
      </Section>
      <Section id="gate" title="Do the refits stand for this model?"><Gate report={report} /></Section>
      {report.geometry && <Section id="geometry" title="The shape of the loss around it"><Geometry data={report.geometry} n={report.n?.train} /></Section>}
      <Section id="measures" title="All measures"><Measures report={report} /></Section>
      <Section id="rerun" title="How to rerun this"><Rerun report={report} /></Section>
    </>
  );
}
