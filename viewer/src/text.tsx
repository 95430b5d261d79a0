// Strings of the report are a stranger's text: shown as text, with nothing invisible left invisible.
import type { Maybe } from "./schema";

const BIDI_OR_HIDDEN = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : "\ufffd";
}

/** The text with control characters and direction marks made visible. */
export function clean(text: unknown): string {
  if (text === null || text === undefined) return "";
  return String(text)
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL, picture)
    .replace(BIDI_OR_HIDDEN, (mark) => `[U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

/** The text as the beginning of a sentence. */
export function Capital({ of }: { of: unknown }) {
  const text = clean(of);
  return <bdi>{text.charAt(0).toUpperCase() + text.slice(1)}</bdi>;
}

/** At most `length` characters of the cleaned text. */
export function short(text: unknown, length: number): string {
  const characters = Array.from(clean(text));
  return characters.length <= length ? characters.join("") : characters.slice(0, length - 1).join("") + "…";
}

/** Text from the report; isolated so that its writing direction cannot reorder what stands around it. */
export function Text({ of }: { of: unknown }) {
  return <bdi>{clean(of)}</bdi>;
}

/** "an em dash, and why": what stands wherever there is no number. */
export function Withheld({ why }: { why: Maybe<string> }) {
  return (
    <span class="withheld">
      — <span class="why"><Text of={why || "no value given"} /></span>
    </span>
  );
}
