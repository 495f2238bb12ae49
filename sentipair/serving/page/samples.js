// Posts to try; the pictures are drawn by sentipair's own sample generator.

import { file } from "./server.js";

export const SAMPLES = [
  { name: "Good news", picture: "/samples/picnic.jpg", text: "The picnic by the river was absolutely wonderful. Could not stop smiling #happy 😊" },
  { name: "Smiling through it", picture: "/samples/week.jpg", text: "Worst week in ages. Everything went wrong and I am so tired." },
  { name: "Thanks a lot", picture: "/samples/monday.jpg", text: "Great. Another Monday, and it rains again." },
  { name: "Just the facts", picture: "/samples/museum.jpg", text: "The museum in Graz opens at nine on Friday. Details on page 12." },
  { name: "In pieces", picture: "/samples/parcel.jpg", text: "The parcel arrived in pieces. I want my money back." },
  { name: "Words alone", picture: null, text: "Lost my best friend today. Heartbroken." },
];

export async function pictureOf(sample) {
  if (!sample.picture) return null;
  const name = sample.picture.split("/").pop();
  return new File([await file(sample.picture)], name, { type: "image/jpeg" });
}
