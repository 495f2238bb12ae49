// The tab for one post: what is given, and the answer as soon as somebody stops typing.

import { answer, reasons } from "./answer.js";
import { byId, element, takesFiles, tell } from "./dom.js";
import { SAMPLES, pictureOf } from "./samples.js";
import { explain, predict } from "./server.js";

const DELAY = 300; // milliseconds without a key press

const given = { image: null, address: null };
let timer = 0;
let current = new AbortController();
const empty = byId("answer").firstElementChild;

export function startPost() {
  byId("text").addEventListener("input", () => ask(DELAY));
  byId("image").addEventListener("change", ({ target }) => target.files.length && setImage(target.files[0]));
  byId("remove").addEventListener("click", removeImage);
  byId("compose").addEventListener("submit", (event) => event.preventDefault());
  takesFiles(byId("drop"), ([file]) => setImage(file));
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (file && !byId("post").hidden) {
      event.preventDefault();
      setImage(file);
    }
  });
  document.addEventListener("key-given", () => ask());
  byId("samples").append(...SAMPLES.map(sampleButton));
}

function sampleButton(sample) {
  const picture = sample.picture
    ? element("img", { src: sample.picture, alt: "" })
    : element("span", { class: "letters" }, "Aa");
  const button = element("button", { type: "button", title: sample.text }, picture, element("span", {}, sample.name));
  button.addEventListener("click", async () => {
    try {
      const picture = await pictureOf(sample);
      byId("text").value = sample.text;
      setImage(picture);
      byId("answer").scrollIntoView({ block: "nearest" });
    } catch (error) {
      fail(error);
    }
  });
  return element("li", {}, button);
}

function removeImage() {
  setImage(null);
  byId("image").focus();
}

function setImage(file) {
  if (given.address) URL.revokeObjectURL(given.address);
  given.image = file;
  given.address = file && URL.createObjectURL(file);
  byId("image").value = "";
  byId("preview").hidden = byId("remove").hidden = !file;
  byId("invitation").hidden = Boolean(file);
  if (file) byId("preview").src = given.address;
  else byId("preview").removeAttribute("src");
  ask();
}

function ask(delay = 0) {
  clearTimeout(timer);
  current.abort();
  current = new AbortController();
  const { signal } = current;
  timer = setTimeout(() => show({ image: given.image, text: byId("text").value }, signal), delay);
}

async function show(post, signal) {
  const [said, why] = [byId("answer"), byId("why")];
  if (!post.image && !post.text.trim()) {
    tell(byId("problem"), null);
    said.replaceChildren(empty);
    why.hidden = true;
    return;
  }
  said.setAttribute("aria-busy", "true");
  try {
    const prediction = await predict(post, signal);
    tell(byId("problem"), null);
    said.replaceChildren(...answer(prediction));
    said.removeAttribute("aria-busy");
    const explanation = await explain(post, signal);
    why.replaceChildren(...reasons(explanation, prediction.image && given.address));
    why.hidden = !(explanation.words.length || explanation.regions.length);
  } catch (error) {
    if (error.name === "AbortError") return;
    fail(error);
  }
}

function fail(error) {
  byId("why").hidden = true;
  byId("answer").replaceChildren(empty);
  byId("answer").removeAttribute("aria-busy");
  tell(byId("problem"), error.message);
}
