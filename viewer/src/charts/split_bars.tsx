// chance | rule | rote as one bar a row, on the axis of training answers; the boundaries carry the intervals.
import { isOk, spoken } from "../numbers";
import type { Estimate, Maybe, SplitRow } from "../schema";
import { clean, short } from "../text";
import { XAxis } from "./axes";
import { Chart } from "./chart";
import { linear, type Scale } from "./scale";
import { Whisker } from "./whisker";

const BAR = 34;

interface Part {
  kind: "chance" | "rule" | "rote";
  from: number;
  to: number;
  share: number;
  end: Maybe<Estimate>; // the estimate whose interval the right-hand boundary carries
}

/** The three parts of a bar, left to right; null where one of them was withheld. */
export function parts(row: SplitRow): Part[] | null {
  if (!isOk(row.chance) || !isOk(row.rule) || !isOk(row.rote)) return null;
  const one = Math.max(0, row.chance.value);
  const two = one + Math.max(0, row.rule.value);
  const three = two + Math.max(0, row.rote.value);
  return [
    { kind: "chance", from: 0, to: one, share: row.chance.value, end: row.chance },
    { kind: "rule", from: one, to: two, share: row.rule.value, end: row.out_of_sample },
    { kind: "rote", from: two, to: three, share: row.rote.value, end: row.train },
  ];
}

interface Ends {
  from: number;
  to: number;
}

/** The interval of a boundary, moved to where the boundary is drawn (they differ where a part was cut at 0). */
function ends(part: Part): Ends | null {
  const e = part.end;
  if (!isOk(e) || typeof e.low !== "number" || typeof e.high !== "number") return null;
  const shift = part.to - e.value;
  return { from: Math.max(0, e.low + shift), to: Math.min(1, e.high + shift) };
}

function Row({ row, x, y }: { row: SplitRow; x: Scale; y: number }) {
  const found = parts(row);
  if (!found) {
    const why = [row.chance, row.rule, row.rote].find((e) => e && !isOk(e))?.status ?? "not measured";
    return <text class="quiet-text" x={x(0)} y={y + BAR / 2} dy="0.35em">— {short(why, 70)}</text>;
  }
  const last = found[2]?.to ?? 0;
  return (
    <g>
      <rect class="wrong" x={x(0)} y={y} width={x(1) - x(0)} height={BAR} />
      {found.map((p) => <rect class={`fill-${p.kind}`} x={x(p.from)} y={y} width={Math.max(0, x(p.to) - x(p.from))} height={BAR} />)}
      {found.map((p) => {
        const interval = ends(p);
        return interval && <Whisker at={y + BAR / 2} from={x(interval.from)} to={x(interval.to)} cap={5} halo />;
      })}
      {found.map((p, i) => {
        const before = i > 0 ? ends(found[i - 1] as Part)?.to : null;
        const left = Math.max(x(p.from), before ? x(before) : 0);
        const right = Math.min(x(p.to), x(ends(p)?.from ?? p.to));
        const number = String(Math.round(p.share * 100));
        const text = [`${p.kind} ${number}`, number].find((t) => right - left > t.length * 7.4 + 12);
        return text && <text class={`on-${p.kind}`} x={(left + right) / 2} y={y + BAR / 2} dy="0.35em" text-anchor="middle">{text}</text>;
      })}
      {x(1) - x(last) > 70 && (
        <text class="quiet-text" x={x(1) - 8} y={y + BAR / 2} dy="0.35em" text-anchor="end">wrong {Math.round((1 - last) * 100)}</text>
      )}
    </g>
  );
}

export function SplitBars({ rows, answers }: { rows: SplitRow[]; answers: string }) {
  const said = rows.map(
    (r) => `${clean(r.name)}: chance ${spoken(r.chance, 100)}, rule ${spoken(r.rule, 100)}, rote ${spoken(r.rote, 100)} percent`,
  );
  const height = (width: number) => rows.length * (width < 620 ? BAR + 32 : BAR + 16) + 44;
  return (
    <Chart label={`Training answers split into chance, rule and rote. ${said.join(". ")}.`} height={height}>
      {(width) => {
        const narrow = width < 620;
        const step = narrow ? BAR + 32 : BAR + 16;
        const x = linear([0, 1], [narrow ? 6 : 150, width - 14], narrow ? 4 : 10);
        const y = (i: number) => i * step + (narrow ? 20 : 2);
        const base = rows.length * step + (narrow ? 0 : -6);
        return (
          <g>
            {rows.map((row, i) => (
              <g>
                <text class="row-name" x={0} y={narrow ? y(i) - 6 : y(i) + BAR / 2} dy={narrow ? undefined : "0.35em"}>
                  {short(row.name, narrow ? 44 : 20)}
                </text>
                <Row row={row} x={x} y={y(i)} />
              </g>
            ))}
            <XAxis scale={x} y={base} write={(t) => `${Math.round(t * 100)}`} label={`% of ${answers}`} />
          </g>
        );
      }}
    </Chart>
  );
}
