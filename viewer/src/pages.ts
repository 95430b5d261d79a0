// Which page draws which data: one row a schema, one file a page in pages/.
import type { ComponentType } from "preact";
import { AuditPage } from "./pages/audit";
import { CalibratePage } from "./pages/calibrate";
import { CertifyPage } from "./pages/certify";
import { TrajectoryPage } from "./pages/trajectory";
import { StudiesPage } from "./pages/studies";
import { StudyPage } from "./pages/study";

/** What every page gets: the parsed data, and their text as it stands in the file. */
export type AnyPage = ComponentType<{ report: unknown; source: string }>;

const PAGES = new Map<unknown, unknown>([
  ["heldout.audit", AuditPage],
  ["heldout.certify", CertifyPage],
  ["heldout.calibrate", CalibratePage],
  ["heldout.trajectory", TrajectoryPage],
  ["heldout.studies", StudiesPage],
  ["heldout.study", StudyPage],
]);

/** The page for a schema such as "heldout.audit/1"; undefined where none is known. */
export function pageOf(schema: unknown): AnyPage | undefined {
  return PAGES.get(String(schema).split("/")[0]) as AnyPage | undefined;
}
