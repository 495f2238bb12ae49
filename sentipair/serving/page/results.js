// The scored table: charts, its first rows, and the whole of it as a file.

import { confidenceHistogram, countBars } from "./charts.js";
import { writeCsv } from "./csv.js";
import { element, percent } from "./dom.js";

const SHOWN = 200; // rows on the page; the file has all

export function newColumns(classes) {
  const shares = classes.map((name) => `p(${name})`);
  return ["prediction", "confidence", ...shares, "text_alone", "image_alone", "conflict", "problem"];
}

export function results(place, { name, columns, rows }, scored) {
  const predictions = scored.map(({ prediction }) => prediction).filter(Boolean);
  const classes = predictions.length ? Object.keys(predictions[0].probabilities) : [];
  const counts = classes.map((one) => [one, predictions.filter(({ label }) => label === one).length]);
  const both = predictions.filter(({ text, image }) => text && image);
  const lines = scored.map((post, number) => [...rows[number], ...values(post, classes)]);
  const file = writeCsv([[...columns, ...newColumns(classes)], ...lines]);
  place.replaceChildren(
    card("Posts by class", countBars(counts)),
    card("How sure the model is", confidenceHistogram(predictions, classes)),
    wide(
      element("p", { class: "actions" }, download(file, name), summary(scored.length, both)),
      firstRows(scored, classes),
    ),
  );
  place.hidden = false;
}

// Why a row has no prediction, or its picture had no part in it.
function problemOf({ text, name, picture, prediction, unusable, refused }) {
  if (refused) return refused;
  if (unusable) return prediction || !text.trim() ? `picture cannot be used: ${unusable}` : unusable;
  if (/^(https?|ftp):/i.test(name)) return `${name} is an address, which is not fetched; download the picture`;
  if (name && !picture) return `there is no picture at ${name}`;
  if (prediction) return "";
  return text.trim() || picture ? "the model does not read what there is" : "neither a text nor a picture";
}

function values(post, classes) {
  const { prediction } = post;
  if (!prediction) return [...Array(classes.length + 5).fill(""), problemOf(post)];
  const { label, confidence, probabilities, text, image, conflict } = prediction;
  const numbers = [confidence, ...Object.values(probabilities)].map((p) => p.toFixed(6));
  return [label ?? "", ...numbers, text?.label ?? "", image?.label ?? "", conflict, problemOf(post)];
}

function download(file, name) {
  const button = element("button", {}, "Download the scored table");
  button.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([file], { type: "text/csv" }));
    element("a", { href: address, download: `${name.replace(/\.\w+$/, "")}-scored.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
  return button;
}

function summary(count, both) {
  const conflicts = both.filter(({ conflict }) => conflict).length;
  const disagree = both.length ? `Text and picture disagree in ${conflicts} of ${both.length} posts with both. ` : "";
  const shown = count > SHOWN ? `Here are the first ${SHOWN} rows.` : "";
  return element("span", { class: "hint" }, disagree + shown);
}

function firstRows(scored, classes) {
  const head = element("tr");
  for (const title of ["", "Prediction", "Text", "Picture", "Text alone", "Picture alone", "Problem"]) {
    head.append(element("th", { scope: "col" }, title));
  }
  const body = element("tbody");
  scored.slice(0, SHOWN).forEach((post, number) => body.append(line(post, number + 1, classes)));
  const table = element("table", {}, element("thead", {}, head), body);
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Scored rows" }, table);
}

function line(post, number, classes) {
  const { text, name, prediction } = post;
  const said = prediction?.label ? `${prediction.label} ${percent(prediction.confidence)}` : "–";
  const verdict = element("span", { class: `tone tone-${classes.indexOf(prediction?.label)}` }, said);
  const cells = [verdict, text, name, prediction?.text?.label ?? "", prediction?.image?.label ?? "", problemOf(post)];
  const first = element("td", { class: "number hint" }, String(number));
  return element("tr", {}, first, ...cells.map((cell) => element("td", {}, cell)));
}

const card = (title, chart) => element("div", { class: "card" }, element("h2", {}, title), chart);
const wide = (...parts) => element("div", { class: "card wide" }, ...parts);
