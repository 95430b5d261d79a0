// A figure as a file: the drawing as SVG with its colours in it, its data as CSV.
import { useEffect, useState } from "preact/hooks";
import { csv, download, fileName } from "../download";

type Cell = string | number | null | undefined;

export interface Table {
  header: string[];
  rows: Cell[][];
}

const KEPT = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap"],
  ...["opacity", "font-family", "font-size", "font-weight", "text-anchor", "direction", "image-rendering"],
];

/** The drawing as a file of its own: what the stylesheet says of every mark is written beside it. */
export function svgText(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const [from, to] = [svg, copy].map((root) => [root, ...root.querySelectorAll<SVGElement>("*")]);
  from?.forEach((mark, i) => {
    const style = getComputedStyle(mark);
    const mine = to?.[i];
    if (!mine) return;
    for (const name of KEPT) {
      const value = style.getPropertyValue(name);
      if (value && !mine.hasAttribute(name)) mine.setAttribute(name, value);
    }
    // Rules of the stylesheet outweigh attributes on the page; in the file only attributes are left.
    for (const name of ["fill", "stroke", "opacity"]) mine.setAttribute(name, style.getPropertyValue(name));
    mine.removeAttribute("class");
  });
  copy.querySelectorAll('[data-unprinted], [fill="transparent"]').forEach((mark) => mark.remove());
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [["width", "100%"], ["height", "100%"], ["fill", getComputedStyle(document.body).backgroundColor]]) paper.setAttribute(name as string, value as string);
  copy.prepend(paper);
  return new XMLSerializer().serializeToString(copy);
}

interface Props {
  of: string; // the id of the element that holds the drawing
  name: string;
  table?: (() => Table) | undefined;
}

export function ExportButtons({ of, name, table }: Props) {
  const [drawn, setDrawn] = useState(true); // some figures are tables or a gallery
  useEffect(() => setDrawn(!!drawing()), [of]);
  const drawing = () => document.getElementById(of)?.querySelector<SVGSVGElement>("svg[role=img]");
  return (
    <span class="export screen-only">
      {drawn && <button
        type="button"
        class="link"
        aria-label="download this figure as svg"
        onClick={() => {
          const svg = drawing();
          if (svg) download(fileName(name, "svg"), "image/svg+xml", svgText(svg));
        }}
      >
        svg
      </button>}
      {table && (
        <button
          type="button"
          class="link"
          aria-label="download the data of this figure as csv"
          onClick={() => {
            const { header, rows } = table();
            download(fileName(name, "csv"), "text/csv", csv(header, rows));
          }}
        >
          csv
        </button>
      )}
    </span>
  );
}
