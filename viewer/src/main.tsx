// Reads the report that stands in this file and draws it.
import { render } from "preact";
import { pageOf } from "./pages";
import { PrintingProvider } from "./printing";
import { Guard } from "./section";
import { applySystemTheme } from "./theme";
import "./style/tokens.css";
import "./style/page.css";
import "./style/controls.css";
import "./style/verdict.css";
import "./style/charts.css";
import "./style/lines.css";
import "./style/scatter.css";
import "./style/study.css";
import "./style/explore.css";
import "./style/gallery.css";
import "./style/tables.css";
import "./style/narrow.css";
import "./style/print.css";

function start(): void {
  const place = document.getElementById("page");
  const source = document.getElementById("report")?.textContent ?? "";
  if (!place) return;
  let report: { schema?: unknown };
  try {
    report = JSON.parse(source) as { schema?: unknown };
  } catch (error) {
    place.textContent = `This file's data cannot be read (${String(error)}). It was cut or edited; write the report again.`;
    return;
  }
  const Page = pageOf(report.schema);
  if (!Page) {
    place.textContent = `This page cannot draw data of the schema ${String(report.schema)}; write it again with the version of heldout that made the data.`;
    return;
  }
  applySystemTheme();
  place.replaceChildren();
  render(<PrintingProvider><main><Guard><Page report={report} source={source} /></Guard></main></PrintingProvider>, place);
}

start();
