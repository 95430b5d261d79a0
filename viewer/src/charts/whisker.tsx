// An interval as a line with end caps; a halo in the colour of the paper keeps it readable on any fill.

interface Props {
  at: number; // the coordinate that does not vary
  from: number;
  to: number;
  vertical?: boolean;
  cap?: number;
  halo?: boolean;
  class?: string;
}

export function Whisker({ at, from, to, vertical = false, cap = 4, halo = false, class: className = "" }: Props) {
  const path = vertical
    ? `M${at} ${from}V${to}M${at - cap} ${from}h${2 * cap}M${at - cap} ${to}h${2 * cap}`
    : `M${from} ${at}H${to}M${from} ${at - cap}v${2 * cap}M${to} ${at - cap}v${2 * cap}`;
  return (
    <g class={`whisker ${className}`}>
      {halo && <path class="halo" d={path} />}
      <path d={path} />
    </g>
  );
}
