// The answer first: the headline and its sentence, on pages without a verdict of rules.
import type { Maybe } from "./schema";
import { clean, Text } from "./text";

interface Props {
  headline: Maybe<string>;
  sentence: Maybe<string>;
  tone?: "rule" | "rote" | "none";
}

export function Answer({ headline, sentence, tone = "none" }: Props) {
  return (
    <section id="answer" class={`verdict tone-${tone}`} aria-labelledby="answer-title">
      <h1 id="answer-title">{clean(headline) || "no answer"}</h1>
      {sentence && <p class="sentence"><Text of={sentence} /></p>}
    </section>
  );
}
