// Charts as SVG. A class has one colour everywhere: that of its place in the model's list.

import { percent, shape } from "./dom.js";

function inWords(probabilities) {
  return Object.entries(probabilities).map(([name, p]) => `${name} ${percent(p)}`).join(", ");
}

// Probabilities side by side, as wide as there is room.
export function stackedBar(probabilities, title) {
  const bar = shape("svg", { class: "stacked", role: "img", "aria-label": `${title}: ${inWords(probabilities)}` });
  let start = 0;
  Object.entries(probabilities).forEach(([name, p], place) => {
    const part = { x: `${100 * start}%`, width: `${100 * p}%`, height: "100%", class: `class-${place}` };
    bar.append(shape("rect", part, shape("title", {}, `${name} ${percent(p)}`)));
    start += p;
  });
  return bar;
}

// A face whose mouth follows P(positive) − P(negative); none for classes of another kind.
export function face({ positive, negative }) {
  if (positive === undefined || negative === undefined) return "";
  const bend = 24 * (positive - negative);
  const corners = 64 - bend / 3;
  return shape(
    "svg",
    { class: "face", viewBox: "0 0 100 100", "aria-hidden": "true" },
    shape("circle", { cx: 50, cy: 50, r: 46, class: "skin" }),
    shape("circle", { cx: 34, cy: 42, r: 5.5, class: "ink" }),
    shape("circle", { cx: 66, cy: 42, r: 5.5, class: "ink" }),
    shape("path", { d: `M28 ${corners}Q50 ${corners + 1.6 * bend} 72 ${corners}`, class: "mouth" }),
  );
}

// One horizontal bar per class: how many posts, and which share of all.
export function countBars(counts) {
  const total = Math.max(1, counts.reduce((sum, [, count]) => sum + count, 0));
  const most = Math.max(1, ...counts.map(([, count]) => count));
  const chart = shape("svg", { class: "chart", viewBox: `0 0 400 ${44 * counts.length}`, role: "img" });
  chart.setAttribute("aria-label", counts.map(([name, count]) => `${name}: ${count}`).join(", "));
  counts.forEach(([name, count], place) => {
    const y = 44 * place;
    chart.append(
      shape("text", { x: 0, y: y + 13 }, name),
      shape("text", { x: 400, y: y + 13, class: "end" }, `${count} · ${percent(count / total)}`),
      shape("rect", { x: 0, y: y + 20, width: (400 * count) / most, height: 12, rx: 3, class: `class-${place}` }),
    );
  });
  return chart;
}

// How sure the model is: posts per tenth of confidence, stacked by class.
export function confidenceHistogram(predictions, classes) {
  const bins = Array.from({ length: 10 }, () => classes.map(() => 0));
  for (const { confidence, label } of predictions) {
    const place = classes.indexOf(label);
    if (place >= 0) bins[Math.min(9, Math.floor(10 * confidence))][place] += 1;
  }
  const most = Math.max(1, ...bins.map((bin) => bin.reduce((a, b) => a + b, 0)));
  const chart = shape("svg", { class: "chart", viewBox: "0 0 400 150", role: "img", "aria-label": "Posts by confidence" });
  bins.forEach((bin, number) => {
    let y = 122;
    bin.forEach((count, place) => {
      const height = (112 * count) / most;
      y -= height;
      chart.append(shape("rect", { x: 40 * number + 3, y, width: 34, height, class: `class-${place}` }));
    });
  });
  chart.append(shape("line", { x1: 0, x2: 400, y1: 122, y2: 122 }));
  for (const tick of [0, 25, 50, 75, 100]) {
    const anchor = tick === 0 ? "" : tick === 100 ? "end" : "middle";
    chart.append(shape("text", { x: 4 * tick, y: 142, class: anchor }, `${tick} %`));
  }
  return chart;
}
