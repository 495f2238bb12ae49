// The page: its tabs, the key, and what is on them.

import { byId } from "./dom.js";
import { startPost } from "./post.js";
import { useKey } from "./server.js";
import { startTable } from "./table.js";

const tabs = [...document.querySelectorAll("[role=tab]")];

function select(chosen) {
  for (const tab of tabs) {
    const selected = tab === chosen;
    tab.setAttribute("aria-selected", selected);
    tab.tabIndex = selected ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !selected;
  }
}

tabs.forEach((tab, place) => {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = tabs[(place + step + tabs.length) % tabs.length];
    select(next);
    next.focus();
  });
});

document.addEventListener("key-wanted", () => {
  byId("key").hidden = false;
  byId("key-value").focus();
});
byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key-value").value.trim());
  byId("key").hidden = true;
  document.dispatchEvent(new Event("key-given"));
});

startPost();
startTable();
