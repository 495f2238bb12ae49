// Asking the server. Whatever goes wrong becomes a Problem with one sentence for people.

const PATIENCE = 8; // times that a busy server is asked again

let key = "";

export class Problem extends Error {
  constructor(message, status) {
    super(message);
    this.status = status; // of the server's answer, if it is one
  }
}

export function useKey(value) {
  key = value;
}

export function predict(post, signal) {
  return ask("/v1/predict", { body: form(post) }, signal);
}

export function explain(post, signal) {
  return ask("/v1/explain", { body: form(post) }, signal);
}

export function predictBatch(posts, signal) {
  const headers = { "Content-Type": "application/json" };
  return ask("/v1/predict/batch", { body: JSON.stringify(posts), headers }, signal);
}

export async function file(path) {
  return (await send(path)).blob();
}

function form({ image, text }) {
  const data = new FormData();
  data.append("text", text);
  if (image) data.append("image", image, image.name || "picture");
  return data;
}

async function ask(path, { body, headers = {} }, signal, attempts = PATIENCE) {
  const keyed = key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
  const response = await send(path, { method: "POST", body, signal, headers: keyed });
  if (response.ok) return response.json();
  if (response.status === 429 && attempts > 1) {
    await pause(Number(response.headers.get("Retry-After")) || 1, signal);
    return ask(path, { body, headers }, signal, attempts - 1);
  }
  if (response.status === 401) document.dispatchEvent(new Event("key-wanted"));
  const { detail } = await response.json().catch(() => ({}));
  throw new Problem(sentence(detail || `the server answered ${response.status}`), response.status);
}

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer. Start it again with “sentipair serve”; your post is still here.");
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function sentence(words) {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
