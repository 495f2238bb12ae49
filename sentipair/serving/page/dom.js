// Making elements. Text always goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function shape(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

export function percent(share) {
  return `${Math.round(100 * share)}\u00a0%`;
}

export function tell(place, message) {
  place.textContent = message ?? "";
  place.hidden = !message;
}

// A drop target that hands over the files; the browser would open them instead.
export function takesFiles(place, take) {
  const over = (event, inside) => {
    event.preventDefault();
    place.classList.toggle("over", inside);
  };
  place.addEventListener("dragover", (event) => over(event, true));
  place.addEventListener("dragleave", (event) => over(event, false));
  place.addEventListener("drop", (event) => {
    over(event, false);
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
