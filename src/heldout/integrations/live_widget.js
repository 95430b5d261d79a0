// The live view of a watch in a notebook: losses with their intervals, phases as bands, the newest numbers. Text only, no HTML from data.
const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 240, 52, 12, 22, 30];

function node(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

const isNumber = (v) => typeof v === "number" && Number.isFinite(v);
const written = (v) => (isNumber(v) ? String(Number(v.toPrecision(4))).replace("-", "\u2212") : "\u2014");

function scales(data) {
  const x = data.series.flatMap((s) => s.x).filter(isNumber);
  const y = data.series.flatMap((s) => [...s.y, ...s.low, ...s.high]).filter(isNumber);
  if (!x.length || !y.length) return null;
  const span = (all) => {
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return high > low ? [low, high] : [low - 0.5, high + 0.5];
  };
  const [x0, x1] = span(x);
  const [y0, y1] = span(y);
  return {
    x: (v) => LEFT + ((Math.min(x1, Math.max(x0, v)) - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT),
    y: (v) => HEIGHT - BOTTOM - ((v - y0) / (y1 - y0)) * (HEIGHT - TOP - BOTTOM),
    ends: { x: [x0, x1], y: [y0, y1] },
  };
}

function path(series, at) {
  let pen = "M";
  return series.x.map((x, i) => {
    if (!isNumber(series.y[i])) {
      pen = "M";
      return "";
    }
    const piece = `${pen}${at.x(x).toFixed(1)} ${at.y(series.y[i]).toFixed(1)}`;
    pen = "L";
    return piece;
  }).join("");
}

function band(series, at) {
  const there = series.x.map((x, i) => [x, series.low[i], series.high[i]]).filter(([, low, high]) => isNumber(low) && isNumber(high));
  if (there.length < 2) return "";
  const upper = there.map(([x, , high]) => `${at.x(x).toFixed(1)} ${at.y(high).toFixed(1)}`);
  const lower = there.map(([x, low]) => `${at.x(x).toFixed(1)} ${at.y(low).toFixed(1)}`).reverse();
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

function figure(data) {
  const at = scales(data);
  if (!at) return element("p", "no finite loss yet", "heldout-minor");
  const said = data.series.map((s) => `${s.name} ${written(s.y.filter(isNumber).at(-1))}`).join(", ");
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `Losses along training: ${said}.` });
  data.phases.forEach((phase, i) => {
    const [from, to] = [at.x(phase.start), at.x(phase.end)];
    svg.append(node("rect", { x: from, y: TOP, width: Math.max(1, to - from), height: HEIGHT - TOP - BOTTOM, class: `heldout-phase heldout-phase-${i % 2}` }));
    const room = Math.floor((to - from) / 7);
    if (room > 3) svg.append(node("text", { x: from + 3, y: TOP - 6, class: "heldout-label" }, phase.name.slice(0, room)));
  });
  for (const [v, anchor] of [[at.ends.x[0], "start"], [at.ends.x[1], "end"]]) svg.append(node("text", { x: at.x(v), y: HEIGHT - 10, "text-anchor": anchor, class: "heldout-label" }, written(v)));
  for (const v of at.ends.y) svg.append(node("text", { x: LEFT - 6, y: at.y(v) + 4, "text-anchor": "end", class: "heldout-label" }, written(v)));
  svg.append(node("text", { x: (WIDTH + LEFT) / 2, y: HEIGHT - 10, "text-anchor": "middle", class: "heldout-label" }, "training step"));
  data.series.forEach((series) => {
    const kind = series.name.startsWith("test") ? "test" : "train";
    svg.append(node("path", { d: band(series, at), class: `heldout-band heldout-${kind}` }));
    svg.append(node("path", { d: path(series, at), class: `heldout-line heldout-${kind}` }));
  });
  return svg;
}

function table(data) {
  const made = element("table");
  const head = element("tr");
  for (const name of ["measure", "newest", "95% interval", "step"]) head.append(element("th", name));
  made.append(head);
  for (const row of data.newest) {
    const line = element("tr");
    const interval = isNumber(row.low) && isNumber(row.high) ? `${written(row.low)} to ${written(row.high)}` : row.status;
    for (const text of [row.name, written(row.value), interval, written(row.step)]) line.append(element("td", text));
    made.append(line);
  }
  return made;
}

function render({ model, el }) {
  el.classList.add("heldout-live");
  const draw = () => {
    const data = model.get("data");
    const phases = element("ol");
    for (const phase of data.phases) phases.append(element("li", `${phase.name}, ${written(phase.start)} to ${written(phase.end)}: ${phase.evidence}`));
    const legend = element("p", "train loss: solid; test loss: dashed; bands: 95% intervals for the luck of the probe rows", "heldout-minor");
    el.replaceChildren(element("p", data.cost), figure(data), legend, table(data), data.phases.length ? phases : element("p", "no phase is resolved yet", "heldout-minor"), element("p", data.advice));
  };
  draw();
  model.on("change:data", draw);
  return () => model.off("change:data", draw);
}

export default { render };
