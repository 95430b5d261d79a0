// Who was audited, when, how long it took; and the two buttons that belong to the whole page.
import { download, fileName } from "../download";
import { count, duration, isNumber } from "../numbers";
import type { Report } from "../schema";
import { clean, Text } from "../text";
import { ThemeToggle } from "../theme";

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
  ].filter(Boolean);
  const details = [report.model, report.task, sizes(report), report.classes?.length ? `${report.classes.length} classes` : ""];
  const save = () => download(fileName(report.title, "json"), "application/json", pretty(source));
  return (
    <header class="top">
      <div class="top-line">
        <p class="brand">
          <strong>heldout</strong> <span class="dot">·</span> audit of <Text of={report.title} />
        </p>
        <div class="buttons">
          <ThemeToggle />
          <button type="button" class="quiet" onClick={save} aria-label="download this report as json">json</button>
        </div>
      </div>
      <p class="facts">{facts.map((fact) => <span>{fact}</span>)}</p>
      <p class="facts minor">{details.filter(Boolean).map((detail) => <span><Text of={detail} /></span>)}</p>
    </header>
  );
}

function pretty(source: string): string {
  return JSON.stringify(JSON.parse(source), null, 1) + "\n";
}
