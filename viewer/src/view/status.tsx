// How a run stands, in words and not by colour alone.
import type { Maybe } from "../schema";
import { clean, short, Text } from "../text";

export function Status({ status, reason }: { status: Maybe<string>; reason: Maybe<string> }) {
  const word = clean(status).split(":")[0] ?? "";
  return (
    <span class={`status status-${/^(running|done|interrupted|failed|unreadable)$/.test(word) ? word : "other"}`} title={clean(reason)}>
      <Text of={short(status, 90)} />
      {reason && word !== "unreadable" && <span class="tiny"> <Text of={short(reason, 90)} /></span>}
    </span>
  );
}

/** "2026-11-21 14:05" */
export function moment(text: Maybe<string>): string {
  return clean(text).slice(0, 16).replace("T", " ");
}
