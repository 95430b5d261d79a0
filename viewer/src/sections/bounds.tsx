// Certificates side by side: the figure, its key, and a table with what each one assumes and where its delta went.
import { Absent, Figure } from "../charts/figure";
import { bounded, BoundRows, isSure } from "../charts/bound_rows";
import { Fold } from "../fold";
import { count, duration, briefly, isNumber, percentLevel } from "../numbers";
import type { Maybe } from "../schema";
import type { Bound, BoundRow } from "../schemas/certify";
import { Capital, Text } from "../text";
import { Value } from "../value";

function Details({ bound }: { bound: Bound }) {
  return (
    <>
      {bound.formula && <p><code class="formula"><Text of={bound.formula} /></code></p>}
      {bound.source && <p>Source: <Text of={bound.source} />.</p>}
      {bound.rows && <p>Rows: <Text of={bound.rows} />.</p>}
      {bound.prior && <p>Prior: <Text of={bound.prior} />.</p>}
      {!!bound.assumptions?.length && <><p>It assumes:</p><ul>{bound.assumptions.map((a) => <li><Text of={a} /></li>)}</ul></>}
      {!!bound.ledger?.length && (
        <table class="numbers ledger">
          <thead><tr><th scope="col">what delta was spent on</th><th scope="col">delta</th></tr></thead>
          <tbody>{bound.ledger.map((l) => <tr><th scope="row"><Text of={l.what} /></th><td>{briefly(l.delta)}</td></tr>)}</tbody>
        </table>
      )}
    </>
  );
}

function Certified({ bound }: { bound: Maybe<Bound> }) {
  if (!isSure(bound)) return <>—</>;
  return <span><span class="number">≤ {bounded(bound)}</span>{bound.vacuous && <span class="minor"> vacuous</span>}</span>;
}

export function Bounds({ id, rows, chance }: { id: string; rows: BoundRow[]; chance: Maybe<number> }) {
  if (!rows.length) return <Absent what="Certificates" why="none was asked for" />;
  const drawn = rows.some((row) => isSure(row.certificate));
  const first = rows.find((row) => isSure(row.certificate))?.certificate;
  const sizes = rows.map((r) => r.certificate.n).filter((n): n is number => isNumber(n) && n > 0);
  const span = sizes.length ? (Math.min(...sizes) === Math.max(...sizes) ? count(sizes[0]) : `${count(Math.min(...sizes))}–${count(Math.max(...sizes))}`) : "—";
  const controls = rows.some((row) => isSure(row.control));
  const seen = rows.some((row) => row.observed);
  return (
    <>
      {drawn && (
        <Figure
          id={`${id}-figure`}
          caption={
            <>
              <Capital of={first?.quantity || "risk"} />: the bar ends where each family's certificate ends, and holds with
              probability {percentLevel(isNumber(first?.delta) ? 1 - first.delta : null)}
              {seen && <>; the dot is what was seen on the hold-out rows, with its interval</>}
              {controls && <>; grey dots are the same bounds with shuffled labels, which must stay above the error of a constant guess</>}
              ; n = {span}.
            </>
          }
          how={
            <>
              <p>Each row is a bound of its own, with its own delta to fail: the least of several is for reading, and is not itself certified at that delta. A dashed bar is vacuous: it says no more than is known without data. Bounds are printed rounded up.</p>
              <p>The hold-out bound needs rows that nothing was fitted or chosen on; the other families need none, or make their own from the training rows, and speak of the predictor named beside them.</p>
            </>
          }
        >
          <BoundRows rows={rows} chance={chance} axis={String(first?.quantity || "risk")} />
        </Figure>
      )}
      <table class="cards numbers bounds">
        <thead>
          <tr>
            <th scope="col">family</th>
            <th scope="col" class="left">speaks of</th>
            <th scope="col">certified</th>
            <th scope="col">shuffled labels</th>
            <th scope="col">n</th>
            <th scope="col">delta</th>
            <th scope="col">cost</th>
          </tr>
        </thead>
        {rows.map((row) => (
          <tbody class={isSure(row.certificate) ? "" : "is-withheld"}>
            <tr>
              <th scope="row"><Text of={row.family} /></th>
              <td data-label="speaks of" class="left"><Text of={row.predictor} /></td>
              <td data-label="certified"><Certified bound={row.certificate} /></td>
              <td data-label="shuffled labels">{row.control ? <Certified bound={row.control} /> : <span class="minor">none</span>}</td>
              <td data-label="n">{row.certificate.n ? count(row.certificate.n) : "—"}</td>
              <td data-label="delta">{briefly(row.certificate.delta)}</td>
              <td data-label="cost">{duration(row.seconds)}</td>
            </tr>
            <tr class="detail-row">
              <td colSpan={7} class="left">
                {row.observed && <p class="minor">Seen: <Value e={row.observed} /></p>}
                {isSure(row.certificate) ? (
                  <Fold summary="assumptions, ledger, formula"><Details bound={row.certificate} /></Fold>
                ) : (
                  <p class="minor">Withheld: <Text of={row.certificate.status || "no value given"} />.</p>
                )}
              </td>
            </tr>
          </tbody>
        ))}
      </table>
    </>
  );
}
