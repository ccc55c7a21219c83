// What the browser tests share: a browser, people's pages, and a close look at a
// screen.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { launch } from "./chromium.mjs";

export const env = (name, otherwise) => {
  const v = process.env[name] ?? otherwise;
  if (v === undefined) {
    console.log(`FAIL ${name} is not set`);
    process.exit(1);
  }
  return v;
};
export const base = env("BASE_URL");
export const out = env("OUT");
export const people = {
  author: { user: env("AUTHOR", "soan"), password: env("AUTHOR_PASSWORD") },
  approver: { user: env("APPROVER", "duyet1"), password: env("APPROVER_PASSWORD") },
  second: { user: "duyet2", password: env("APPROVER_PASSWORD") },
  admin: { user: "quantri", password: env("APPROVER_PASSWORD") },
  registrar: env("REGISTRAR_PASSWORD"),
  stranger: { user: "soan-kia", password: env("APPROVER_PASSWORD") },
};
mkdirSync(out, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export let failures = 0;
export function result(name, ok, detail = "") {
  if (!ok) failures++;
  console.log(`${ok ? "PASS" : "FAIL"} ${name}${detail ? `: ${detail}` : ""}`);
}

/** step runs one part of the flow; a part that fails does not end the others, unless they need it. */
export async function step(name, work) {
  const began = Date.now();
  try {
    await work();
    result(name, true, `${Date.now() - began} ms`);
    return true;
  } catch (e) {
    result(name, false, String(e?.message ?? e).split("\n").slice(0, 4).join(" | "));
    for (const [who, p] of Object.entries(pages)) await p.screenshot({ path: join(out, `failed-${who}.png`) }).catch(() => {});
    return false;
  }
}
export function must(ok, what) {
  if (!ok) throw new Error(what);
}

export const browser = await launch("--lang=vi", "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream");
/** shots: pictures are taken, which takes as long as the rest. */
const shots = env("SHOTS", "") !== "";
export const pages = {};
/** patience ends a step for what never comes, on the slowest machine; what is promised by the clock has its own bound. */
const patience = 90_000;
/** visitor is a browser of its own: a telephone in Vietnamese if not said otherwise. */
export async function visitor(options = {}) {
  const context = await browser.newContext({ locale: "vi-VN", viewport: { width: 360, height: 740 }, ...options });
  context.setDefaultTimeout(patience);
  return context;
}
export async function open(who) {
  const context = await visitor({ timezoneId: "Asia/Ho_Chi_Minh", deviceScaleFactor: 1 });
  const page = await context.newPage();
  if (!shots) Object.getPrototypeOf(page).screenshot = async () => Buffer.alloc(0);
  pages[who] = page;
  const wrong = [];
  page.on("pageerror", (e) => wrong.push(String(e)));
  page.on("console", (m) => {
    if (m.type() === "error" && !/status of (401|403|404|409|422)|ERR_INTERNET_DISCONNECTED/.test(m.text())) wrong.push(m.text());
  });
  page.wrong = wrong;
  return page;
}
export async function logIn(page, { user, password }) {
  await page.goto(base);
  await page.getByLabel("Tên đăng nhập").fill(user);
  await page.getByLabel("Mật khẩu").fill(password);
  await page.getByRole("button", { name: "Đăng nhập" }).click();
  await page.getByRole("heading", { name: "Hôm nay" }).waitFor();
}
/** wave is a WAV of a tone, in seconds. */
export function wave(seconds) {
  const rate = 16000;
  const n = rate * seconds;
  const b = Buffer.alloc(44 + 2 * n);
  b.write("RIFF", 0), b.writeUInt32LE(36 + 2 * n, 4), b.write("WAVEfmt ", 8), b.writeUInt32LE(16, 16), b.writeUInt16LE(1, 20), b.writeUInt16LE(1, 22);
  b.writeUInt32LE(rate, 24), b.writeUInt32LE(2 * rate, 28), b.writeUInt16LE(2, 32), b.writeUInt16LE(16, 34), b.write("data", 36), b.writeUInt32LE(2 * n, 40);
  for (let i = 0; i < n; i++) b.writeInt16LE(Math.round(9000 * Math.sin((2 * Math.PI * 440 * i) / rate) * (0.6 + 0.4 * Math.sin(i / 4000))), 44 + 2 * i);
  return b;
}
/** listenWhole hears a bulletin's sound to its end, faster than people do, and goes on. */
export async function listenWhole(page) {
  const next = page.getByRole("button", { name: "Tiếp: chọn nơi và giờ" });
  await next.waitFor();
  if (await next.isDisabled()) {
    await page.getByRole("button", { name: "Nghe", exact: true }).click();
    await page.evaluate(() => (document.querySelector("audio").playbackRate = 8));
    await page.getByText("Anh/chị đã nghe hết.").waitFor();
  }
  await next.click();
}
/** ask calls the API as the page's person. */
export const ask = (page, path) => page.evaluate(async (p) => (await fetch("/api/v1" + p)).json(), path);
/** call makes a request as the page's person and returns status, body and whether it was an answer kept. */
export const call = (page, method, path, body, headers = {}) =>
  page.evaluate(
    async ([m, p, b, h]) => {
      const r = await fetch("/api/v1" + p, { method: m, headers: { "Content-Type": "application/json", ...h }, body: b === null ? undefined : JSON.stringify(b) });
      const text = await r.text();
      return { status: r.status, body: text ? JSON.parse(text) : null, replayed: r.headers.get("Idempotent-Replayed") };
    },
    [method, path, body ?? null, headers],
  );
/** until asks again until the answer is yes. */
export async function until(what, yes, within = patience) {
  const end = Date.now() + within;
  while (!(await yes())) {
    must(Date.now() < end, `${what}: not within ${within} ms`);
    await new Promise((r) => setTimeout(r, 100));
  }
}
export const idAt = (page) => new URL(page.url()).pathname.split("/")[2];

/** rulers are what must hold of a screen in any size: nothing sticks out, no text spills out of its box or is cut off by it, and what lies over the page leaves room for it. */
const rulers = () => {
  const bad = [];
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) bad.push(`${wide} px too wide`);
  const texts = [...document.querySelectorAll("body :not(textarea, option, script, noscript, svg, svg *)")].filter((e) => e.clientWidth && !e.closest(".sr, .skip, .hidden") && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  for (const e of texts) {
    const style = getComputedStyle(e);
    const cut = style.overflowX !== "visible" && style.textOverflow !== "ellipsis" && style.overflowX !== "auto" && e.scrollHeight > e.clientHeight + 2;
    if ((e.scrollWidth > e.clientWidth + 1 && style.textOverflow !== "ellipsis") || cut) bad.push(`spills: ${e.tagName} ${e.textContent.trim().slice(0, 30)} (${e.scrollWidth}x${e.scrollHeight} in ${e.clientWidth}x${e.clientHeight})`);
  }
  const over = [...document.querySelectorAll(".top, nav, .foot")].filter((e) => e.getClientRects().length && ["fixed", "sticky"].includes(getComputedStyle(e).position) && e.getBoundingClientRect().width > innerWidth / 2);
  const covered = over.reduce((n, e) => n + e.getBoundingClientRect().height, 0) / innerHeight;
  if (covered > 0.6) bad.push(`${Math.round(covered * 100)} % of the page is covered by what stays`);
  return bad;
};

/** english are words of English on a page that is in Vietnamese. */
const english = () => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const n = walk.currentNode;
    if (!n.parentElement.closest("[lang=en], .code, script, noscript")) found.push(...(n.data.match(/\b(the|and|with|your|not|of|loading|error|failed|unknown|device|bulletin|undefined|null|NaN|Invalid Date)\b/g) ?? []));
  }
  return found;
};

/** sights are the same screen for who sees it in another way: on the smallest telephone, at 200 % in a window of 1280x800 (which halves what fits and doubles every dot), with letters of twice the size that the browser is set to. */
const sights = [
  { name: "320", width: 320, height: 640 },
  { name: "zoom", width: 640, height: 400, deviceScaleFactor: 2 },
  { name: "letters-1280", width: 1280, height: 800, letters: 32 },
  { name: "letters-360", width: 360, height: 740, letters: 32 },
];
const usualLetters = 16;

async function seen(page, cdp, { width, height, deviceScaleFactor = 1, letters = usualLetters }) {
  await cdp.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor, mobile: false });
  await cdp.send("Page.setFontSizes", { fontSizes: { standard: letters } });
  await page.waitForFunction(([w, l]) => innerWidth === w && Math.abs(parseFloat(getComputedStyle(document.documentElement).fontSize) - l * 1.0625) < 0.1, [width, letters]);
}

/** whole takes a picture as long as the page, so that what stays at the edges hides nothing. */
async function whole(page, cdp, sight, file) {
  if (!shots) return;
  await seen(page, cdp, { ...sight, height: Math.max(sight.height, await page.evaluate(() => document.documentElement.scrollHeight)) });
  const { data } = await cdp.send("Page.captureScreenshot"); // playwright's own takes its own size
  writeFileSync(join(out, `${file}.png`), Buffer.from(data, "base64"));
}

/** look checks one screen in two sizes and two languages, and as those see it who need larger letters: axe, nothing sticks out, nothing is too small to touch. */
export async function look(page, name, sizes = [[360, 740], [1280, 800]]) {
  const began = Date.now();
  const bad = [];
  const cdp = await page.context().newCDPSession(page);
  for (const lang of ["vi", "en"]) {
    if ((await page.evaluate(() => document.documentElement.lang)) !== lang) await page.getByRole("button", { name: lang === "en" ? "English" : "Tiếng Việt" }).click();
    for (const [width, height] of sizes) {
      await seen(page, cdp, { width, height });
      const say = (what) => bad.push(`${width} ${lang}: ${what}`);
      await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
      await page.evaluate(() => Promise.all([...document.images].map((i) => i.decode().catch(() => {}))));
      (await page.evaluate(rulers)).forEach(say);
      const foreign = lang === "vi" ? await page.evaluate(english) : [];
      if (foreign.length) say(`in English: ${foreign.join(", ")}`);
      const letters = await page.evaluate(() => Math.min(...[...document.querySelectorAll("p, li, td, label, button, a, b, h1, h2, span")].filter((e) => e.getClientRects().length && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => parseFloat(getComputedStyle(e).fontSize))));
      if (letters < 15 || (await page.evaluate(() => parseFloat(getComputedStyle(document.body).fontSize))) < 17) say(`letters of ${letters} px`);
      const small = await page.evaluate(() =>
        [...document.querySelectorAll("button, .button, .second, nav a, .pick, summary, select, .field input, textarea, a.row")]
          .filter((e) => e.getClientRects().length && e.getBoundingClientRect().height < 55.5)
          .map((e) => `${e.tagName} ${e.textContent.slice(0, 20)} ${Math.round(e.getBoundingClientRect().height)}`),
      );
      if (small.length) say(`too small: ${small.join("; ")}`);
      if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
      const found = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ["violations"] })).violations.map((v) => `${v.id} (${v.nodes.map((n) => n.target.join(" ")).join(", ")})`));
      if (found.length) say(`axe: ${found.join("; ")}`);
      await whole(page, cdp, { width, height }, `${name}-${width}-${lang}`);
    }
    for (const sight of sights) {
      await seen(page, cdp, sight);
      (await page.evaluate(rulers)).forEach((what) => bad.push(`${sight.name} ${lang}: ${what}`));
      await whole(page, cdp, sight, `${name}-${sight.name}-${lang}`);
    }
  }
  await seen(page, cdp, { width: 360, height: 740 });
  await cdp.send("Emulation.clearDeviceMetricsOverride");
  await cdp.detach();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole("button", { name: "Tiếng Việt" }).click();
  result(`screen ${name}`, bad.length === 0, bad.join(" || ") || `${Date.now() - began} ms`);
}
