// Light or dark: what was chosen here, else what the system says. Runs before anything is painted.

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function show(theme) {
  root.dataset.theme = theme || (dark.matches ? "dark" : "light");
}

let chosen = null;
try {
  chosen = localStorage.getItem("theme");
} catch {
  // storage is closed to us: the choice lasts as long as the page
}
show(chosen);
dark.addEventListener("change", () => show(chosen));

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("theme").addEventListener("click", () => {
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    show(chosen);
    try {
      localStorage.setItem("theme", chosen);
    } catch {
      // as above
    }
  });
});
