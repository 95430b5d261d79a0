// Can its confidence be trusted? Calibration, and what is guaranteed about new data.
import { Certificate, boundsAbove } from "../charts/certificate";
import { Absent, Figure } from "../charts/figure";
import { drawableBins, Reliability } from "../charts/reliability";
import { Bounds } from "./bounds";
import { levelOf, Methods } from "../methods";
import { count, isNumber, isOk, percentLevel, plain } from "../numbers";
import type { Certificate as CertificateData, Report } from "../schema";
import { Capital, Text } from "../text";
import { Value } from "../value";
import { whyAbsent } from "../absence";

function Calibration({ report }: { report: Report }) {
  const data = report.reliability;
  const bins = data ? drawableBins(data) : [];
  if (!data || !bins.length) {
    return <Absent what="Reliability" why={(data?.ece && !isOk(data.ece) && data.ece.status) || whyAbsent(report, "reliability")} />;
  }
  const accuracies = bins.map((b) => b.accuracy);
  const n = accuracies.reduce((sum, e) => sum + (e.n ?? 0), 0);
  return (
    <Figure
      id="reliability"
      caption={
        <>
          How often the model is right (dots, {levelOf(accuracies)} intervals and band) when it states a confidence; the
          dashed diagonal is perfect. Below: how many of the n = {count(n)} test answers state it.
        </>
      }
      how={
        <>
          <p>Test answers are sorted by the probability of the class given as the answer and grouped; each group's mean confidence stands against the share of its answers that is right.</p>
          <Methods of={accuracies} />
          <table class="numbers">
            <thead><tr><th scope="col">confidence</th><th scope="col">right</th><th scope="col">n</th></tr></thead>
            <tbody>{bins.map((b) => <tr><th scope="row">{plain(b.confidence)}</th><td><Value e={b.accuracy} /></td><td>{count(b.accuracy.n)}</td></tr>)}</tbody>
          </table>
        </>
      }
    >
      <p class="headline-number"><span class="tiny">expected calibration error</span> <Value e={data.ece} /></p>
      <Reliability data={data} />
    </Figure>
  );
}

function withValue(data: CertificateData): data is CertificateData & { value: number } {
  return isNumber(data.value) && (!data.status || data.status === "ok");
}

function Guarantee({ report }: { report: Report }) {
  const data = report.certificate;
  if (!data) return <Absent what="Certificate" why={whyAbsent(report, "certificate")} />;
  if (!withValue(data)) {
    const why = data.status && data.status !== "ok" ? data.status : "no value given";
    return (
      <>
        <Absent what="Certificate" why={why} />
        {data.hold_out && <p class="headline-number"><span class="tiny">hold-out</span> <Value e={data.hold_out} /></p>}
      </>
    );
  }
  const above = boundsAbove(data);
  return (
    <Figure
      id="certificate"
      caption={
        <>
          <Capital of={data.quantity} />: what was seen on the hold-out (dot, {percentLevel(data.hold_out?.level)} interval) and what
          is guaranteed: {above === null ? "" : above ? "at most " : "at least "}{plain(data.value)}
          {isNumber(data.delta) && <> with probability {percentLevel(1 - data.delta)}</>}, n = {count(data.n)}.
        </>
      }
      how={
        <>
          {data.formula && <p><code class="formula"><Text of={data.formula} /></code></p>}
          {data.source && <p>Source: <Text of={data.source} />.</p>}
          {!!data.assumptions?.length && <><p>It assumes:</p><ul>{data.assumptions.map((a) => <li><Text of={a} /></li>)}</ul></>}
          {!!data.ledger?.length && (
            <table class="numbers">
              <thead><tr><th scope="col">what delta was spent on</th><th scope="col">delta</th></tr></thead>
              <tbody>{data.ledger.map((l) => <tr><th scope="row"><Text of={l.what} /></th><td>{plain(l.delta)}</td></tr>)}</tbody>
            </table>
          )}
          <Methods of={[data.hold_out]} lead="Hold-out interval" />
        </>
      }
    >
      <Certificate data={data} />
    </Figure>
  );
}

export function Trust({ report }: { report: Report }) {
  const rows = report.certificates?.rows ?? [];
  return (
    <>
      <div class="pair">
        <div>
          <h3>When it says how sure it is</h3>
          <Calibration report={report} />
        </div>
        <div>
          <h3>What is guaranteed on new data</h3>
          <Guarantee report={report} />
        </div>
      </div>
      {rows.length > 1 && (
        <div class="every-certificate">
          <h3>Every certificate, beside the hold-out value</h3>
          <Bounds id="certificates" rows={rows} chance={report.certificates?.chance} />
        </div>
      )}
    </>
  );
}
