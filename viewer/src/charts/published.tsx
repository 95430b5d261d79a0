// Published values as marks: a dotted line across the figure, with its label.
import { isNumber } from "../numbers";
import type { Mark } from "../schemas/study";
import { short } from "../text";
import type { Frame } from "./lines";
import type { Scale } from "./scale";

interface Props {
  marks: Mark[];
  x: Scale;
  y?: Scale; // without it, only marks of x are drawn
  frame: Frame;
}

const inside = (scale: Scale, value: number) => isNumber(value) && value >= scale.domain[0] && value <= scale.domain[1];

export function Published({ marks, x, y, frame }: Props) {
  const room = Math.max(8, Math.floor((frame.right - frame.left) / 7.5));
  const across = marks.filter((m) => m.axis === "x" && inside(x, m.value));
  const upward = y ? marks.filter((m) => m.axis === "y" && inside(y, m.value)) : [];
  return (
    <g class="published">
      {across.map((mark, i) => {
        const at = x(mark.value);
        const left = at > (frame.left + frame.right) / 2;
        return (
          <g>
            <line x1={at} x2={at} y1={frame.top} y2={frame.bottom} />
            <text x={at + (left ? -5 : 5)} y={frame.top + 12 + 15 * i} text-anchor={left ? "end" : "start"}>{short(mark.label, Math.floor(room * 0.6))}</text>
          </g>
        );
      })}
      {y && upward.map((mark) => (
        <g>
          <line x1={frame.left} x2={frame.right} y1={y(mark.value)} y2={y(mark.value)} />
          <text x={frame.right - 4} y={y(mark.value) + (y(mark.value) < frame.top + 18 ? 14 : -5)} text-anchor="end">{short(mark.label, room)}</text>
        </g>
      ))}
    </g>
  );
}
