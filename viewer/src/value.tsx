// One estimate on the page: its number and its interval, or a dash and the reason.
import { isOk, whyNot, write } from "./numbers";
import type { Estimate, Maybe } from "./schema";
import { Withheld } from "./text";

interface Props {
  e: Maybe<Estimate>;
  scale?: number; // 100 writes a share as a percentage
}

export function Value({ e, scale = 1 }: Props) {
  if (!isOk(e)) return <Withheld why={whyNot(e)} />;
  const { value, interval } = write(e, scale);
  return (
    <span class="value">
      <span class="number">{value}</span>{" "}
      {interval ? <span class="interval">({interval})</span> : <span class="interval">no interval</span>}
    </span>
  );
}
