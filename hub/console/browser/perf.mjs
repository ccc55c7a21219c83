// How fast the console is on a slow telephone: 4x CPU throttling and 1.6 Mbit/s
// with 150 ms, through the browser's own protocol, against a real hub. It prints
// one JSON object with figures in ms, per cent and bytes.
//
//   BASE_URL, AUTHOR, AUTHOR_PASSWORD, CHROMIUM
import { launch } from "./chromium.mjs";

const base = process.env.BASE_URL;
const browser = await launch();
const middle = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const out = {};

/** slow opens a page of a fresh telephone; logged in if a state is given. */
async function slow(state, route) {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, serviceWorkers: "block", ...(state ? { storageState: state } : {}) });
  const page = await context.newPage();
  if (route) await route(page);
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 94_000 });
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  return { context, page, cdp };
}

const paint = (page) => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN);
/** noted has the page itself note when something is first there and the next frame drawn: asking from outside costs a telephone as much as the page. */
const noted = (page, selector) =>
  page.addInitScript((selector) => {
    const look = () => {
      if (!document.querySelector(selector)) return;
      watch.disconnect();
      requestAnimationFrame(() => setTimeout(() => (globalThis.notedAt = performance.now()), 0));
    };
    const watch = new MutationObserver(look);
    watch.observe(document, { childList: true, subtree: true });
  }, selector);
async function until(page) {
  await page.waitForFunction(() => globalThis.notedAt, undefined, { polling: 500, timeout: 60_000 });
  return page.evaluate(() => globalThis.notedAt);
}

// One log-in, to be used again.
const first = await browser.newContext();
const page = await first.newPage();
await page.goto(base);
await page.locator("input[name=user]").fill(process.env.AUTHOR ?? "soan");
await page.locator("input[name=password]").fill(process.env.AUTHOR_PASSWORD);
await page.locator("button[type=submit]").click();
await page.waitForSelector("nav");
const state = await first.storageState();
await first.close();

{
  const paints = [];
  const ready = [];
  for (let i = 0; i < 3; i++) {
    const { context, page } = await slow(undefined);
    await noted(page, "input[name=user]");
    await page.goto(base, { waitUntil: "commit" });
    ready.push(await until(page));
    paints.push(await paint(page));
    await context.close();
  }
  out.first_paint = middle(paints);
  out.interactive = middle(ready);
}

/** table is a list of n devices in columns, as the hub sends it. */
function table(n) {
  const t = { ids: [], names: [], units: [], unit: [], state: [], heard: [], flags: Array(n).fill(1), online: n, all: n };
  for (let i = 0; i < 120; i++) t.units.push(`thon-${i}`);
  for (let i = 0; i < n; i++) {
    t.ids.push(`loa-${i}`), t.names.push(`Cụm loa ${i} ${["Đông", "Đoài", "Trung", "Thượng"][i % 4]}`), t.unit.push(i % 120), t.state.push(i % 37 === 0 ? 2 : 3);
    t.heard.push(1_790_000_000 + (i % 600));
  }
  return t;
}

for (const n of [3000, 10_000]) {
  const body = JSON.stringify(table(n));
  const { gzipSync } = await import("node:zlib");
  const packed = gzipSync(body, { level: 6 });
  const took = [];
  for (let i = 0; i < 3; i++) {
    const answer = (page) => page.route("**/api/v1/device-table", (r) => r.fulfill({ status: 200, contentType: "application/json", body }));
    const { context, page } = await slow(state, answer);
    await noted(page, ".vrow");
    await page.goto(base + "/", { waitUntil: "commit" });
    await page.waitForSelector("nav");
    await page.waitForTimeout(1500); // the telephone rests
    // Answers made up by the test skip the line: the time that their bytes take is added.
    const from = await page.evaluate(() => {
      const from = performance.now();
      document.querySelector('a[href="/thiet-bi"]').click();
      return from;
    });
    took.push((await until(page)) - from + (packed.length / 200_000) * 1000 + 150);
    if (n === 10_000 && i === 0) {
      const search = [];
      for (const c of "cum loa 99") {
        search.push(
          await page.evaluate(
            (c) =>
              new Promise((done) => {
                const box = document.querySelector("input[type=search]");
                const began = performance.now();
                box.value += c;
                box.dispatchEvent(new Event("input", { bubbles: true }));
                requestAnimationFrame(() => setTimeout(() => done(performance.now() - began), 0));
              }),
            c,
          ),
        );
      }
      out.search = Math.max(...search);
      await page.evaluate(() => {
        const box = document.querySelector("input[type=search]");
        box.value = "";
        box.dispatchEvent(new Event("input", { bubbles: true }));
      });
      out.nodes = await page.evaluate(() => document.querySelectorAll("*").length);
    }
    await context.close();
  }
  out[`devices_${n}`] = middle(took);
  out[`devices_${n}_bytes`] = packed.length;
}

// 20 changes a second over the stream, with 10,000 rows in the list.
{
  const n = 10_000;
  const t = table(n);
  // Each is heard of in its place under its name, as the table has it; those that were out of reach come back.
  const device = (id, i = Number(id.slice(4))) => ({ id, name: t.names[i], unit: `thon-${t.unit[i]}`, path: ["xa", `thon-${t.unit[i]}`], sound: true, tags: [], serves: [], created: "2026-01-01T00:00:00Z", state: "online", last_heard: new Date().toISOString(), muted: false, missing: 0, unacked: 0, free: 1, faults: [] });
  const { context, page, cdp } = await slow(state, async (page) => {
    await page.route("**/api/v1/device-table", (r) => r.fulfill({ json: t }));
    await page.route("**/api/v1/devices?*", (r) => r.fulfill({ json: new URL(r.request().url()).searchParams.getAll("id").map(device) }));
    // The stream's other end, in the page: the hub has no 10,000 devices to hear of.
    await page.addInitScript(() => {
      globalThis.EventSource = class extends EventTarget {
        static CLOSED = 2;
        readyState = 1;
        constructor() {
          super();
          let seq = 1;
          setTimeout(() => this.onopen?.(), 0);
          setInterval(() => this.dispatchEvent(new MessageEvent("change", { data: JSON.stringify({ kind: "device", id: `loa-${(seq * 7) % 10_000}` }), lastEventId: String(++seq) })), 50);
        }
        close() {
          this.readyState = 2;
        }
      };
    });
  });
  await page.goto(base + "/thiet-bi", { waitUntil: "commit" });
  await page.waitForSelector(".vrow", { timeout: 60_000 });
  await page.waitForTimeout(3000);
  await cdp.send("Performance.enable");
  const busy = async () => (await cdp.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration").value;
  const before = await busy();
  const began = Date.now();
  await page.waitForTimeout(8000);
  out.main_thread = (100 * (await busy() - before) * 1000) / (Date.now() - began);
  await context.close();
}
await browser.close();
console.log(JSON.stringify(out));
