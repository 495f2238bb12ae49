// What the model says of one post, and why.

import { face, stackedBar } from "./charts.js";
import { element, percent, shape } from "./dom.js";

export function answer(prediction) {
  const { label, probabilities, confidence, text, image } = prediction;
  const classes = Object.keys(probabilities);
  const verdict = element(
    "div",
    { class: `verdict tone-${classes.indexOf(label)}` },
    face(probabilities),
    element(
      "div",
      {},
      element("p", { class: "label" }, label ?? "not sure"),
      element("p", { class: "hint" }, label ? `${percent(confidence)} sure` : "The model abstains."),
    ),
  );
  const opinions = element("dl", { class: "opinions" });
  const together = { label: best(probabilities), probabilities };
  // what one of them says alone is mostly the answer where there is no other
  const worthSaying = (opinion) => opinion && ((text && image) || opinion.label !== together.label);
  const alone = [["Text alone", text], ["Picture alone", image]].filter(([, opinion]) => worthSaying(opinion));
  const name = alone.length || !(text || image) ? "Together" : text ? "Text" : "Picture";
  for (const [who, opinion] of [[name, together], ...alone]) opinions.append(element("dt", {}, who), said(who, opinion));
  return [verdict, ...remarks(prediction), opinions, legend(classes)];
}

function conflictSentence({ conflict, text, image, label }) {
  if (conflict) {
    const together = label ? ` Together they read as ${label}.` : "";
    return `Text and picture disagree: the text alone says ${text.label}, the picture ${image.label}.${together}`;
  }
  const surprising = label && text && image && text.label === image.label && label !== text.label;
  return surprising ? `Alone, text and picture each say ${text.label}; together they read as ${label}.` : null;
}

// Words and regions in the colour of their direction, the stronger the more they moved the probability.
export function reasons({ target, words, regions }, picture) {
  const parts = [element("h2", {}, "What spoke for ", element("em", {}, target))];
  if (words.length) {
    const strongest = largest(words);
    const line = element("p", { class: "words" });
    for (const word of words) line.append(shaded(word, strongest), " ");
    parts.push(line, element("p", { class: "hint" }, `Strongest word: ${points(strongest)} for ${target}`));
  }
  if (regions.length && picture) {
    const strongest = largest(regions);
    const cover = shape("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const region of regions) cover.append(covered(region, strongest));
    const alt = `The picture; its strongest region changes the probability by ${points(strongest)}`;
    parts.push(
      element("div", { class: "regions", tabindex: 0 }, element("img", { src: picture, alt }), cover),
      element("p", { class: "hint" }, `Strongest region: ${points(strongest)} for ${target}; point at the picture or tap it to see it plain`),
    );
  }
  parts.push(key(target));
  return parts;
}

function said(name, { label, probabilities }) {
  const words = `${label} ${percent(probabilities[label])}`;
  return element("dd", {}, stackedBar(probabilities, name), element("span", {}, words));
}

function remarks(prediction) {
  const found = [];
  const conflict = conflictSentence(prediction);
  if (conflict) found.push(element("p", { class: "conflict" }, conflict));
  if (prediction.unusable) found.push(element("p", { class: "remark" }, `The picture took no part: ${prediction.unusable}.`));
  if (prediction.truncated) found.push(element("p", { class: "remark" }, `A long text: ${prediction.truncated}.`));
  return found;
}

function legend(classes) {
  const list = element("ul", { class: "legend", "aria-hidden": "true" });
  classes.forEach((name, place) => list.append(element("li", { class: `tone-${place}` }, name)));
  return list;
}

function key(target) {
  return element(
    "p",
    { class: "key-line hint" },
    element("span", { class: "word for" }, `for ${target}`),
    " ",
    element("span", { class: "word against" }, "against it"),
    " in points of probability, each word or region hidden in turn",
  );
}

function shaded({ text, influence }, strongest) {
  const word = element("span", { class: `word ${side(influence)}`, title: points(influence) }, text);
  word.style.setProperty("--strength", strength(influence, strongest));
  return word;
}

function covered({ box: [left, top, right, bottom], influence }, strongest) {
  const place = { x: left, y: top, width: right - left, height: bottom - top, class: side(influence) };
  return shape("rect", { ...place, "fill-opacity": 0.75 * strength(influence, strongest) }, shape("title", {}, points(influence)));
}

const best = (probabilities) => Object.keys(probabilities).reduce((a, b) => (probabilities[b] > probabilities[a] ? b : a));
const largest = (parts) => parts.map((part) => part.influence).reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
const side = (influence) => (influence < 0 ? "against" : "for");
// where nothing in a post adds more than two points, nothing has the full colour (as in shading.py)
const PALE = 0.02;
const strength = (influence, strongest) => Math.abs(influence) / Math.max(PALE, Math.abs(strongest));

function points(influence) {
  const value = Math.abs(100 * influence).toFixed(Math.abs(influence) < 0.0995 ? 1 : 0);
  if (Number(value) === 0) return "0 points";
  return `${influence < 0 ? "−" : "+"}${value} points`;
}
