// The top line of every page: what it is about, its facts, and the two buttons that belong to the whole page.
import { download, fileName } from "./download";
import { Text } from "./text";
import { ThemeToggle } from "./theme";

interface Props {
  what: string; // "audit of"
  title: unknown;
  facts: unknown[];
  details?: unknown[];
  source: string; // the data as they stand in the file
}

export function Top({ what, title, facts, details = [], source }: Props) {
  const save = () => download(fileName(String(title ?? ""), "json"), "application/json", pretty(source));
  const more = details.filter(Boolean);
  return (
    <header class="top">
      <div class="top-line">
        <p class="brand">
          <strong>heldout</strong> <span class="dot">·</span> {what} <Text of={title} />
        </p>
        <div class="buttons">
          <ThemeToggle />
          <button type="button" class="quiet" onClick={save} aria-label="download this report as json">json</button>
        </div>
      </div>
      <p class="facts">{facts.filter(Boolean).map((fact) => <span><Text of={fact} /></span>)}</p>
      {more.length > 0 && <p class="facts minor">{more.map((detail) => <span><Text of={detail} /></span>)}</p>}
    </header>
  );
}

function pretty(source: string): string {
  return JSON.stringify(JSON.parse(source), null, 1) + "\n";
}
