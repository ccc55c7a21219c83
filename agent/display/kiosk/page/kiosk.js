// Draws what the agent sends, row by row, and answers for what the canvas holds.
"use strict";

const canvas = document.getElementById("board");
const pen = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
let width = 0, height = 0;
let levels = new Uint8Array(0); // grey levels as they were sent
let colours = new Uint8Array(256 * 3);

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const post = (path) => fetch(path, { method: "POST" }).catch(() => {}); // the agent is away; it will ask again

// The largest whole magnification that fits; smaller boards than the screen stay sharp.
function fit() {
  if (width === 0) return;
  const scale = Math.min(innerWidth / width, innerHeight / height);
  const whole = scale >= 1 ? Math.floor(scale) : scale;
  canvas.style.width = width * whole + "px";
  canvas.style.height = height * whole + "px";
}
addEventListener("resize", fit);

function draw(from, rows) {
  if (rows === 0) return;
  const picture = pen.createImageData(width, rows);
  for (let i = 0; i < width * rows; i++) {
    const level = levels[from * width + i] * 3;
    picture.data[4 * i] = colours[level];
    picture.data[4 * i + 1] = colours[level + 1];
    picture.data[4 * i + 2] = colours[level + 2];
    picture.data[4 * i + 3] = 255;
  }
  pen.putImageData(picture, 0, from);
}

// The digest of protocol/page's Frame over what the canvas holds: a pixel of
// another colour than its level's counts as another level. Empty where the browser
// has no cryptography, which is so on plain HTTP from another host.
async function digest() {
  if (!globalThis.crypto?.subtle) return "";
  const seen = pen.getImageData(0, 0, width, height).data;
  const message = new Uint8Array(16 + levels.length);
  message.set(new TextEncoder().encode("loafrm1\n"));
  const head = new DataView(message.buffer);
  head.setUint32(8, width);
  head.setUint32(12, height);
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i];
    const same = [0, 1, 2].every((c) => seen[4 * i + c] === colours[3 * level + c]);
    message[16 + i] = same ? level : ~level;
  }
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", message));
  return Array.from(sum, (b) => b.toString(16).padStart(2, "0")).join("");
}

const events = new EventSource("events");
events.addEventListener("board", (e) => {
  [width, height] = e.data.split(" ").map(Number);
  levels = new Uint8Array(width * height);
  canvas.width = width;
  canvas.height = height;
  fit();
});
events.addEventListener("colours", (e) => {
  colours = bytes(e.data);
});
events.addEventListener("frame", (e) => {
  const [number, from, rows] = e.data.split(" ");
  const changed = bytes(rows);
  levels.set(changed, Number(from) * width);
  draw(Number(from), changed.length / width);
  post("drawn?n=" + number);
});
events.addEventListener("ask", async (e) => {
  post("digest?k=" + e.data + "&d=" + (await digest()));
});
