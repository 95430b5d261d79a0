// Why a section is missing: the report's own reason where it gives one, else what its budget cannot measure.
import type { Report } from "./schema";

const NEEDS_REFITS = new Set(["split", "scatter", "learning_curve", "gate"]);

export function whyAbsent(report: Report, section: string): string {
  const stated = report.left_out?.[section];
  if (stated) return stated;
  const named = report.measures?.find(
    (m) => m.status && m.status !== "ok" && m.name.toLowerCase().replace(/[^a-z]+/g, "_") === section,
  );
  if (named?.status) return named.status;
  if (NEEDS_REFITS.has(section) && report.budget === "predictions" && !report.refits) {
    return "it needs refits, and this audit ran on predictions alone (0 refits)";
  }
  return "this audit did not measure it";
}
