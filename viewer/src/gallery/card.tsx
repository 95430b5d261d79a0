// One example: its picture or text, the label it was given, the likely one, and how much of it is held by heart.
import { isNumber, isOk, probability, spoken } from "../numbers";
import type { Example } from "../schema";
import { clean, short, Text } from "../text";
import { Value } from "../value";
import { IntervalBar } from "./interval_bar";

const RASTER = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/;
const LONG = 320; // characters of a text shown at once

export function known(value: unknown): boolean {
  return value !== null && value !== undefined && value !== "";
}

export function differs(item: Example): boolean {
  return known(item.likely) && String(item.likely) !== String(item.given);
}

/** What a screen reader says of an example. */
export function describe(item: Example): string {
  const flags = item.flags?.length ? `; ${item.flags.map(clean).join(", ")}` : "";
  const likely = differs(item) ? `, likely ${clean(item.likely)}` : "";
  return `example ${clean(item.id)}: given ${known(item.given) ? clean(item.given) : "—"}${likely}; memorization ${spoken(item.memorization)}${flags}`;
}

export function Labels({ item }: { item: Example }) {
  return (
    <span class="labels">
      <span class="given"><span class="tiny">given</span> {known(item.given) ? <Text of={short(item.given, 80)} /> : "—"}</span>
      {differs(item) && <span class="likely"><span class="tiny">likely</span> <Text of={short(item.likely, 80)} /></span>}
    </span>
  );
}

/** The flags, with the mark that the scatter gives them. */
export function Flags({ item }: { item: Example }) {
  const flags = item.flags ?? [];
  if (!flags.length) return null;
  const memorized = flags.includes("memorized");
  const wrong = flags.includes("wrong");
  return (
    <span class="flags">
      {(memorized || wrong) && <i class={wrong ? `key-cross ${memorized ? "both" : ""}` : "key-dot memorized"} aria-hidden="true" />}
      <Text of={flags.map((flag) => short(flag, 40)).join(", ")} />
    </span>
  );
}

function Picture({ item, dropped }: { item: Example; dropped: boolean }) {
  if (item.image && RASTER.test(item.image)) return <img src={item.image} alt="" decoding="async" />;
  return <span class="no-picture">— {item.image ? "not a picture this page shows" : dropped ? "left out for size" : "no picture"}</span>;
}

function Excerpt({ text }: { text: string }) {
  if (text.length <= LONG) return <p class="excerpt"><bdi>{text}</bdi></p>;
  return (
    <>
      <p class="excerpt"><bdi>{short(text, LONG)}</bdi></p>
      <details class="fold">
        <summary>all of it</summary>
        <p class="excerpt fold-body"><bdi>{text}</bdi></p>
      </details>
    </>
  );
}

interface Props {
  item: Example;
  kind: string;
  domain: [number, number];
  dropped: boolean;
}

export function Card({ item, kind, domain, dropped }: Props) {
  const text = clean(item.text);
  return (
    <>
      {kind === "image" && <Picture item={item} dropped={dropped} />}
      {kind === "text" && <Excerpt text={text} />}
      <div class="card-facts">
        <Labels item={item} />
        <IntervalBar e={item.memorization} domain={domain} />
        {isOk(item.memorization) ? <Value e={item.memorization} /> : <span class="tiny"><Value e={item.memorization} /></span>}
        <Flags item={item} />
        {isNumber(item.out_confidence) && <span class="tiny">unseen {probability(item.out_confidence)}</span>}
        <span class="tiny">#{short(item.id, 24)}{isNumber(item.p_value) && ` · p ${probability(item.p_value)}`}</span>
      </div>
    </>
  );
}
