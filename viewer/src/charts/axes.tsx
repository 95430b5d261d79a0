// Axes: thin ticks, a light grid, the name of what is measured.
import type { Scale } from "./scale";

interface XProps {
  scale: Scale;
  y: number;
  top?: number; // grid lines reach up to here
  label?: string;
  ticks?: number[];
  write?: (value: number) => string;
}

export function XAxis({ scale, y, top, label, ticks = scale.ticks, write = scale.write }: XProps) {
  const [low, high] = scale.domain;
  return (
    <g class="axis">
      {top !== undefined && ticks.map((t) => <line class="grid" x1={scale(t)} x2={scale(t)} y1={top} y2={y} />)}
      <line class="base" x1={scale(low)} x2={scale(high)} y1={y} y2={y} />
      {ticks.map((t) => (
        <text x={scale(t)} y={y + 18} text-anchor="middle">{write(t)}</text>
      ))}
      {label && <text class="axis-name" x={(scale(low) + scale(high)) / 2} y={y + 36} text-anchor="middle">{label}</text>}
    </g>
  );
}

interface YProps {
  scale: Scale;
  x: number;
  right: number; // grid lines reach to here
  label?: string; // written above the axis, so that nobody has to turn the head
  top: number;
}

export function YAxis({ scale, x, right, label, top }: YProps) {
  return (
    <g class="axis">
      {scale.ticks.map((t) => (
        <g>
          <line class="grid" x1={x} x2={right} y1={scale(t)} y2={scale(t)} />
          <text x={x - 8} y={scale(t)} dy="0.35em" text-anchor="end">{scale.write(t)}</text>
        </g>
      ))}
      {label && <text class="axis-name" x={0} y={top - 12}>{label}</text>}
    </g>
  );
}
