// The examples themselves, as pictures, rows or text.
import { useState } from "preact/hooks";
import { Absent } from "../charts/figure";
import { count, isNumber } from "../numbers";
import type { Report, ScatterPoint } from "../schema";
import { chosen, type Selection } from "../selection";
import { clean, Text } from "../text";
import { whyAbsent } from "../absence";
import { Cards } from "./cards";
import { Filters } from "./filters";
import { sharedDomain } from "./interval_bar";
import { Rows } from "./rows";

const PAGE = 24;

interface Props {
  report: Report;
  points: ScatterPoint[];
  selection: Selection;
  onSelect: (selection: Selection) => void;
  onPoint: (id: string | null) => void;
}

export function Gallery({ report, points, selection, onSelect, onPoint }: Props) {
  const [limit, setLimit] = useState(PAGE);
  const examples = report.examples;
  const items = examples?.items ?? [];
  if (!examples || !items.length) return <Absent what="Examples" why={examples?.note || whyAbsent(report, "examples")} />;
  const found = chosen(selection, items, points);
  const shown = found.slice(0, limit);
  const domain = sharedDomain(items);
  const dropped = examples.images_dropped ?? 0;
  const score = clean(examples.score_name) || "memorization";
  return (
    <div id="gallery">
      <h3 id="gallery-title" tabIndex={-1}>The examples</h3>
      <Filters items={items} shown={found.length} selection={selection} onSelect={onSelect} />
      {dropped > 0 && (
        <p class="absent"><span class="dash">—</span> {count(dropped)} of {count(items.length)} pictures were left out to keep this file below {clean(examples.size_limit)}.</p>
      )}
      {!found.length && (
        <p class="absent">
          <span class="dash">—</span> None of the {count(items.length)} examples kept for this page is in the selection.
        </p>
      )}
      {examples.kind === "row" ? (
        found.length > 0 && <Rows items={shown} columns={examples.columns ?? []} scoreName={score} domain={domain} onPoint={onPoint} />
      ) : (
        <Cards items={shown} kind={examples.kind} domain={domain} dropped={dropped > 0} onPoint={onPoint} />
      )}
      {found.length > limit && (
        <button type="button" class="quiet" onClick={() => setLimit(limit + PAGE)}>show {count(Math.min(PAGE, found.length - limit))} more</button>
      )}
      <p class="caption">
        The mark on each small axis is {score} with its interval, on one scale for all {count(items.length)}.{" "}
        {items.some((item) => isNumber(item.out_confidence)) &&
          "“unseen” is the probability its given label gets from models that did not see it. "}
        <Text of={examples.note} />
      </p>
    </div>
  );
}
