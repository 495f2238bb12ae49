// Tables as text: RFC 4180, with commas, semicolons or tabs; quoted cells may hold any of them, and line breaks.

import { Problem } from "./server.js";

export function parseCsv(text) {
  const separator = likelySeparator(text);
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  for (let place = 0; place < text.length; place += 1) {
    const character = text[place];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[place + 1] === '"') cell += text[(place += 1)];
      else quoted = false;
    } else if (character === '"' && cell === "") {
      quoted = true;
    } else if (character === separator) {
      row.push(cell);
      cell = "";
    } else if (character === "\n" || character === "\r") {
      if (character === "\r" && text[place + 1] === "\n") place += 1;
      rows.push([...row, cell]);
      [row, cell] = [[], ""];
    } else {
      cell += character;
    }
  }
  if (quoted) throw new Problem("a quotation mark is never closed; double the quotation marks inside a quoted text.");
  if (cell !== "" || row.length) rows.push([...row, cell]);
  return rows.filter((cells) => cells.length > 1 || cells[0] !== "");
}

export function writeCsv(rows) {
  const quote = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return rows.map((row) => `${row.map((cell) => quote(String(cell))).join(",")}\n`).join("");
}

// The one that stands most often in the first line.
function likelySeparator(text) {
  const line = text.slice(0, text.search(/[\r\n]|$/));
  const often = (mark) => line.split(mark).length;
  return [",", ";", "\t"].reduce((a, b) => (often(b) > often(a) ? b : a));
}
