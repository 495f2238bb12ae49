// The tab for a table: rows with their pictures go to the server in chunks, the scored table comes back.

import { parseCsv } from "./csv.js";
import { byId, takesFiles, tell } from "./dom.js";
import { newColumns, results } from "./results.js";
import { SAMPLES, pictureOf } from "./samples.js";
import { Problem, predict, predictBatch } from "./server.js";

const POSTS = 32; // in one request
const CHARACTERS = 6e6; // of texts, and of pictures in base64, in one request; the server takes 10 MB

const given = { name: "", columns: [], rows: [], pictures: new Map() };
let current = new AbortController();
const invitation = [...byId("table-name").childNodes];

export function startTable() {
  byId("table-file").addEventListener("change", ({ target }) => target.files.length && readTable(target.files[0]));
  byId("table-pictures").addEventListener("change", ({ target }) => addPictures([...target.files]));
  takesFiles(byId("drop-table"), ([file]) => readTable(file));
  takesFiles(byId("drop-pictures"), addPictures);
  byId("table-sample").addEventListener("click", takeSamples);
  byId("score").addEventListener("click", score);
  byId("stop").addEventListener("click", () => current.abort());
}

async function readTable(file) {
  byId("table-file").value = "";
  try {
    takeTable(file.name, parseCsv(decode(await file.arrayBuffer())));
  } catch (error) {
    refuse(error.message);
  }
}

// UTF-16 where a byte order mark says so, else UTF-8, else what spreadsheets write where it is not.
function decode(content) {
  const [first, second] = new Uint8Array(content);
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(content);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(content);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return new TextDecoder("windows-1252").decode(content);
  }
}

function takeTable(name, [columns = [], ...rows]) {
  const lower = columns.map((column) => column.trim().toLowerCase());
  if (!rows.length) throw new Problem(`${name} has no rows; add at least one post.`);
  if (!["text", "image", "file_name"].some((column) => lower.includes(column))) {
    throw new Problem(`${name} has neither a column image nor text (it has: ${columns.join(", ")}).`);
  }
  const odd = rows.findIndex((row) => row.length > columns.length);
  if (odd >= 0) {
    const counts = `has ${rows[odd].length} fields, the header ${columns.length}`;
    throw new Problem(`${name}, row ${odd + 1} ${counts}; put texts that hold the separator in quotation marks.`);
  }
  const paths = new Set(rows.map((row) => fileOf(row, lower)).filter(Boolean));
  const bases = [...paths].map(baseOf);
  const twice = bases.find((base, place) => bases.indexOf(base) < place);
  if (twice) {
    throw new Problem(`${name} has several pictures called ${twice}, in several folders; use sentipair predict --input.`);
  }
  current.abort();
  const filled = rows.map((row) => [...row, ...Array(columns.length - row.length).fill("")]);
  Object.assign(given, { name, columns, rows: filled, lower });
  tell(byId("table-problem"), null);
  byId("table-name").textContent = name;
  byId("results").hidden = true;
  describe();
}

function addPictures(files) {
  const names = files.map(({ name }) => name);
  const twice = names.find((name, place) => names.indexOf(name) < place);
  if (twice) {
    refuse(`two pictures are called ${twice}; give them names of their own, or use sentipair predict --input.`);
    return;
  }
  for (const file of files) given.pictures.set(file.name, file);
  byId("pictures-name").textContent = `Pictures: ${given.pictures.size}`;
  describe();
}

async function takeSamples() {
  try {
    const pictures = await Promise.all(SAMPLES.map(pictureOf));
    addPictures(pictures.filter(Boolean));
    const rows = SAMPLES.map(({ text }, place) => [text, pictures[place]?.name ?? ""]);
    takeTable("sample-posts.csv", [["text", "image"], ...rows]);
  } catch (error) {
    refuse(error.message);
    return;
  }
  await score();
}

function describe() {
  if (!given.rows.length) return;
  const posts = given.rows.map(postOf);
  const named = posts.filter(({ name }) => name).length;
  const here = posts.filter(({ picture }) => picture).length;
  byId("table-status").textContent = `Rows: ${given.rows.length}${named ? `; pictures here: ${here} of ${named}` : ""}.`;
  byId("score").disabled = false;
}

function postOf(row) {
  const name = fileOf(row, given.lower);
  return { text: cellOf(row, given.lower, "text"), name, picture: given.pictures.get(baseOf(name)) };
}

const cellOf = (row, lower, ...names) =>
  row[names.map((name) => lower.indexOf(name)).find((place) => place >= 0)] ?? "";
const fileOf = (row, lower) => cellOf(row, lower, "image", "file_name").trim();
const baseOf = (path) => path.split(/[\\/]/).pop();

async function score() {
  current = new AbortController();
  const table = { ...given };
  const scored = [];
  working(true);
  try {
    checkNames(newColumns([]));
    for await (const chunk of chunks(table.rows.map(postOf))) {
      const sent = chunk.filter(({ body }) => body.text.trim() || body.image);
      const answers = await ask(sent, current.signal);
      for (const post of chunk) scored.push({ ...post, ...(sent.includes(post) ? answers.shift() : {}) });
      byId("progress").value = scored.length;
      byId("table-status").textContent = `${scored.length} of ${table.rows.length} posts scored`;
    }
  } catch (error) {
    if (error.name !== "AbortError") tell(byId("table-problem"), error.message);
  }
  working(false);
  if (scored.length) results(byId("results"), table, scored);
}

// Per post its prediction, or why there is none.
async function ask(sent, signal) {
  if (!sent.length) return [];
  const [post] = sent;
  if (size(post.body) <= CHARACTERS) {
    return (await predictBatch(sent.map(({ body }) => body), signal)).map(outcome);
  }
  try {
    // a large post comes alone, and its picture is a quarter smaller as a file
    return [outcome(await predict({ image: post.picture, text: post.text }, signal))];
  } catch (error) {
    if (![413, 422].includes(error.status)) throw error;
    return [{ refused: error.message }];
  }
}

// Without an answer and an opinion nothing of the post could be used.
function outcome(said) {
  return { prediction: said.label || said.text || said.image ? said : null, unusable: said.unusable };
}

// A letter may take three bytes on its way, a picture in base64 takes one each.
function size({ text, image }) {
  return 3 * text.length + (image?.length ?? 0);
}

function checkNames(added) {
  const taken = added.find((name) => given.lower.includes(name));
  if (taken) throw new Problem(`The table has a column ${taken} already; rename it, so that it is not overwritten.`);
}

// A picture is read when its chunk comes, so that a large table does not fill the memory.
async function* chunks(posts) {
  let chunk = [];
  let sum = 0;
  for (const post of posts) {
    const image = post.picture ? await base64(post.picture) : null;
    const body = image ? { text: post.text, image } : { text: post.text };
    if (chunk.length === POSTS || (chunk.length && sum + size(body) > CHARACTERS)) {
      yield chunk;
      [chunk, sum] = [[], 0];
    }
    chunk.push({ ...post, body });
    sum += size(body);
  }
  if (chunk.length) yield chunk;
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Problem(`${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });
}

function working(busy) {
  byId("score").disabled = byId("table-sample").disabled = busy;
  byId("stop").hidden = byId("progress").hidden = !busy;
  if (!busy) return;
  tell(byId("table-problem"), null);
  byId("results").hidden = true;
  Object.assign(byId("progress"), { max: given.rows.length, value: 0 });
}

function refuse(message) {
  tell(byId("table-problem"), message);
  given.rows = [];
  byId("table-name").replaceChildren(...invitation.map((part) => part.cloneNode(true)));
  byId("score").disabled = true;
  byId("table-status").textContent = "";
}
