// `heldout view`: the runs of a folder, live from a server or from a static site.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { PrintingProvider } from "../printing";
import { Guard } from "../section";
import { applySystemTheme, ThemeToggle } from "../theme";
import { ComparePage } from "./compare";
import { Help } from "./help";
import { useKeys } from "./keys";
import { CalibrationPage, ReportsPage } from "./reports";
import { address, useRoute, type Route } from "./route";
import { RunPage } from "./run";
import { RunsPage } from "./runs";
import { onDisk } from "./source";
import { SqlPage } from "./sql";
import { StudiesList } from "./studies";
import { StudyRoute } from "./study";
import "../style/tokens.css";
import "../style/page.css";
import "../style/controls.css";
import "../style/verdict.css";
import "../style/charts.css";
import "../style/lines.css";
import "../style/scatter.css";
import "../style/study.css";
import "../style/explore.css";
import "../style/gallery.css";
import "../style/tables.css";
import "../style/view.css";
import "../style/narrow.css";
import "../style/print.css";

const PAGES: [string, string][] = [
  ["runs", "runs"],
  ["reports", "audits"],
  ["studies", "studies"],
  ["calibration", "calibration"],
  ...(onDisk ? [] : [["sql", "query"] as [string, string]]), // a query needs a server
];

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "runs":
      return <RunsPage route={route} />;
    case "run":
      return <RunPage key={route.id} route={route} />;
    case "compare":
      return <ComparePage route={route} />;
    case "reports":
      return <ReportsPage />;
    case "studies":
      return <StudiesList />;
    case "study":
      return <StudyRoute key={route.id} route={route} />;
    case "calibration":
      return <CalibrationPage />;
    case "sql":
      return <SqlPage route={route} />;
    default:
      return <p class="absent">This address names no page; the runs are <a href={address("runs")}>here</a>.</p>;
  }
}

function Viewer() {
  const route = useRoute();
  const [help, setHelp] = useState(false);
  const place = `${route.page}/${route.id}`;
  useKeys({ "?": () => setHelp(true), g: () => (location.hash = address("runs")) });
  useEffect(() => {
    document.title = `heldout · ${route.id || route.page}`;
    window.scrollTo(0, 0);
  }, [place]);
  const here = { run: "runs", compare: "runs", study: "studies" }[route.page] ?? route.page;
  return (
    <>
      <header class="top">
        <div class="top-line">
          <p class="brand"><strong><a href={address("runs")}>heldout</a></strong></p>
          <div class="buttons"><ThemeToggle /><button type="button" aria-label="keys" onClick={() => setHelp(true)}>?</button></div>
        </div>
        <nav aria-label="pages"><ul class="tabs">{PAGES.map(([page, name]) => <li><a href={address(page)} aria-current={here === page ? "page" : undefined}>{name}</a></li>)}</ul></nav>
      </header>
      <main id="main"><Guard key={place}><Page route={route} /></Guard></main>
      <Help open={help} onClose={() => setHelp(false)} />
    </>
  );
}

const root = document.getElementById("page");
if (root) {
  applySystemTheme();
  render(<PrintingProvider><Viewer /></PrintingProvider>, root);
}
