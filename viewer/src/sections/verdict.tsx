// The answer first: the headline, its sentence, and what would change it.
import { Fold } from "../fold";
import { duration, isNumber } from "../numbers";
import type { Rule, Verdict as VerdictData } from "../schema";
import { clean, Text } from "../text";

const TONE: Record<string, string> = {
  generalizes: "rule",
  "partly memorizes": "rote",
  memorizes: "rote",
};

function Mark({ holds }: { holds: Rule["holds"] }) {
  if (holds === true) return <span class="mark yes">holds</span>;
  if (holds === false) return <span class="mark no">does not hold</span>;
  return <span class="mark open">— cannot be told</span>;
}

export function Verdict({ verdict }: { verdict: VerdictData }) {
  const { headline, sentence, rules, why_undecided: why, next } = verdict;
  return (
    <section id="verdict" class={`verdict tone-${TONE[headline] ?? "none"}`} aria-labelledby="verdict-title">
      <h1 id="verdict-title">{clean(headline)}</h1>
      <p class="sentence"><Text of={sentence} /></p>
      {why && <p class="next"><strong>Why undecided.</strong> <Text of={why} /></p>}
      {next && (
        <p class="next">
          <strong>The next budget, <Text of={next.budget} />,</strong> adds <Text of={next.adds} />
          {isNumber(next.seconds) && <>; about {duration(next.seconds)}</>}.
        </p>
      )}
      <Fold summary="what would change this verdict?" class="rules">
        {rules?.length ? (
          <>
            <p>Each headline is one inequality on intervals.</p>
            <table class="cards">
              <thead>
                <tr><th scope="col">headline</th><th scope="col">its rule</th><th scope="col">with this audit's numbers</th><th scope="col">so it</th></tr>
              </thead>
              <tbody>
                {rules.map((rule) => (
                  <tr class={rule.headline === headline ? "current" : ""}>
                    <th scope="row" data-label="headline"><Text of={rule.headline} /></th>
                    <td data-label="its rule"><Text of={rule.rule} /></td>
                    <td data-label="its numbers"><Text of={rule.numbers} /></td>
                    <td data-label="so it"><Mark holds={rule.holds} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </>
        ) : (
          <p>— The report gives no rules.</p>
        )}
      </Fold>
    </section>
  );
}
