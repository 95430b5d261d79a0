// Reads the report that stands in this file and draws it.
import { render } from "preact";
import { Page } from "./page";
import type { Report } from "./schema";
import { applySystemTheme } from "./theme";
import "./style/tokens.css";
import "./style/page.css";
import "./style/controls.css";
import "./style/verdict.css";
import "./style/charts.css";
import "./style/scatter.css";
import "./style/gallery.css";
import "./style/tables.css";
import "./style/narrow.css";
import "./style/print.css";

function start(): void {
  const place = document.getElementById("page");
  const source = document.getElementById("report")?.textContent ?? "";
  if (!place) return;
  let report: Report;
  try {
    report = JSON.parse(source) as Report;
  } catch (error) {
    place.textContent = `This file's data cannot be read (${String(error)}). It was cut or edited; write the report again.`;
    return;
  }
  applySystemTheme();
  place.replaceChildren();
  render(<Page report={report} source={source} />, place);
}

start();
