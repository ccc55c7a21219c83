// What the browser tests share: a browser, people's pages, and a close look at a
// screen.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

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

export const browser = await chromium.launch({
  executablePath: env("CHROMIUM", "/usr/bin/chromium"),
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--lang=vi", "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});
export const pages = {};
export async function open(who) {
  const context = await browser.newContext({ locale: "vi-VN", timezoneId: "Asia/Ho_Chi_Minh", viewport: { width: 360, height: 740 }, deviceScaleFactor: 1 });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
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
export async function until(what, within, yes) {
  const end = Date.now() + within;
  while (!(await yes())) {
    must(Date.now() < end, `${what}: not within ${within} ms`);
    await new Promise((r) => setTimeout(r, 100));
  }
}
export const idAt = (page) => new URL(page.url()).pathname.split("/")[2];

/** look checks one screen in two sizes and two languages: axe, nothing sticks out, nothing is too small to touch. */
export async function look(page, name, sizes = [[360, 740], [1280, 800]]) {
  const bad = [];
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height });
    for (const lang of ["vi", "en"]) {
      if ((await page.evaluate(() => document.documentElement.lang)) !== lang) await page.getByRole("button", { name: lang === "en" ? "English" : "Tiếng Việt" }).click();
      await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
      await page.evaluate(() => Promise.all([...document.images].map((i) => i.decode().catch(() => {}))));
      const sticks = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (sticks > 0) bad.push(`${width} ${lang}: ${sticks} px too wide`);
      const letters = await page.evaluate(() => Math.min(...[...document.querySelectorAll("p, li, td, label, button, a, b, h1, h2, span")].filter((e) => e.getClientRects().length && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => parseFloat(getComputedStyle(e).fontSize))));
      if (letters < 15 || (await page.evaluate(() => parseFloat(getComputedStyle(document.body).fontSize))) < 17) bad.push(`${width} ${lang}: letters of ${letters} px`);
      const small = await page.evaluate(() =>
        [...document.querySelectorAll("button, .button, .second, nav a, .pick, summary, select, .field input, textarea, a.row")]
          .filter((e) => e.getClientRects().length && e.getBoundingClientRect().height < 55.5)
          .map((e) => `${e.tagName} ${e.textContent.slice(0, 20)} ${Math.round(e.getBoundingClientRect().height)}`),
      );
      if (small.length) bad.push(`${width} ${lang}: too small: ${small.join("; ")}`);
      if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
      const found = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ["violations"] })).violations.map((v) => `${v.id} (${v.nodes.map((n) => n.target.join(" ")).join(", ")})`));
      if (found.length) bad.push(`${width} ${lang}: axe: ${found.join("; ")}`);
      if (lang === "vi" || width === 360) await page.screenshot({ path: join(out, `${name}-${width}-${lang}.png`) });
      if (lang === "vi") {
        // As long as the page, so that what sticks to the edges hides nothing.
        await page.setViewportSize({ width, height: Math.max(height, await page.evaluate(() => document.documentElement.scrollHeight)) });
        await page.screenshot({ path: join(out, `${name}-${width}-whole.png`) });
        await page.setViewportSize({ width, height });
      }
    }
    await page.getByRole("button", { name: "Tiếng Việt" }).click();
  }
  // 320 px, which is also 640 px at 200 % zoom.
  await page.setViewportSize({ width: 320, height: 640 });
  const sticks = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (sticks > 0) bad.push(`320: ${sticks} px too wide`);
  await page.setViewportSize({ width: 360, height: 740 });
  result(`screen ${name}`, bad.length === 0, bad.join(" || "));
}

