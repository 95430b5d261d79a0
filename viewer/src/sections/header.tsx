// Who was audited, when, and how long it took.
import { count, duration, isNumber } from "../numbers";
import type { Report } from "../schema";
import { clean } from "../text";
import { Top } from "../top";

function sizes(report: Report): string {
  const n = report.n ?? {};
  return ["train", "validation", "test", "shifted"]
    .filter((split) => isNumber(n[split]) && (n[split] as number) > 0)
    .map((split) => `${count(n[split])} ${split}`)
    .join(", ");
}

export function Header({ report, source }: { report: Report; source: string }) {
  const facts = [
    clean(report.created).slice(0, 10),
    isNumber(report.seed) ? `seed ${report.seed}` : "",
    isNumber(report.refits) ? `${count(report.refits)} refit${report.refits === 1 ? "" : "s"}` : "",
    isNumber(report.seconds) ? duration(report.seconds) : "",
  ];
  const details = [report.model, report.task, sizes(report), report.classes?.length ? `${report.classes.length} classes` : ""];
  return <Top what="audit of" title={report.title} facts={facts} details={details} source={source} />;
}
