// What the rules promise and needs a browser to be seen: midnight by the country's
// own clock wherever the browser is, what happens to two bulletins at one time,
// layouts and pictures of boards.
import { deflateSync } from "node:zlib";
import { join } from "node:path";
import { ask, base, call, env, look, must, out, people, step, until, visitor } from "./lib.mjs";

/** made writes a bulletin by the API and waits for its sound. */
export async function made(page, content) {
  const unit = (await ask(page, "/sessions")).grants[0].unit;
  const b = await call(page, "POST", "/bulletins", { unit, class: "normal", ...content });
  must(b.status === 201, JSON.stringify(b.body));
  await until("its sound", async () => (await ask(page, `/bulletins/${b.body.id}`)).state === "ready");
  return b.body.id;
}

/** approved submits a bulletin with a wish, unless that is done, and approves it. */
export async function approved(author, approver, id, wish) {
  if (wish) {
    const sent = await call(author, "POST", `/bulletins/${id}/submit`, wish);
    must(sent.status < 300, JSON.stringify(sent.body));
  }
  const request = (await ask(approver, "/approvals")).find((r) => r.bulletin.id === id);
  const signed = await call(approver, "POST", `/approvals/${request.id}/approve`, { password: people.approver.password });
  must(signed.body.state === "approved", JSON.stringify(signed.body));
}

/** square is a PNG of a white square on black, as any phone may send one. */
export function square(size) {
  const table = Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n >>> 0;
  });
  const crc = (b) => ~b.reduce((c, x) => (c >>> 8) ^ table[(c ^ x) & 255], ~0) >>> 0;
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const around = Buffer.alloc(8);
    around.writeUInt32BE(data.length, 0), around.writeUInt32BE(crc(body), 4);
    return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0), head.writeUInt32BE(size, 4), (head[8] = 8);
  const rows = Buffer.alloc(size * (size + 1));
  for (let y = size / 4; y < (size * 3) / 4; y++) rows.fill(255, y * (size + 1) + 1 + size / 4, y * (size + 1) + 1 + (size * 3) / 4);
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/**
 * crawled watches a running preview for some time and returns, for each frame that the
 * browser has drawn, its time in ms and the board's frame that its pixels are: null if
 * they are none, undefined if they are dark. k is the page's crawl as the hub gave it.
 */
const crawled = (page, k, ms) =>
  page.evaluate(
    async ([k, ms]) => {
      const strip = new Image();
      strip.src = "data:image/png;base64," + k.strip;
      await strip.decode();
      const columns = (source, x, y, width) => {
        const c = new OffscreenCanvas(width, k.height).getContext("2d", { willReadFrequently: true });
        c.fillRect(0, 0, width, k.height);
        c.drawImage(source, -x, -y);
        const dots = new Uint32Array(c.getImageData(0, 0, width, k.height).data.buffer);
        return Array.from({ length: width }, (_, col) => Array.from({ length: k.height }, (_, row) => dots[row * width + col]).join());
      };
      const dark = Array(k.height).fill(0xff000000).join();
      const lit = columns(strip, 0, 0, strip.width);
      const canvas = document.querySelector("figure.board canvas");
      // All that a board may show, by its columns; what it shows twice tells nothing.
      const known = new Map();
      for (let n = 0; n <= k.frames; n++) {
        const key = Array.from({ length: k.width }, (_, x) => lit[n * k.step - k.width + x] ?? dark).join("|");
        known.set(key, known.has(key) ? undefined : n);
      }
      const seen = [];
      const began = performance.now();
      for (let now = began; now - began < ms; ) {
        now = await new Promise(requestAnimationFrame);
        const key = columns(canvas, k.x, k.y, k.width).join("|");
        seen.push([now, known.has(key) ? known.get(key) : null]);
      }
      return seen;
    },
    [k, ms],
  );

/**
 * paced holds a running preview to the board's own speed: every frame that is drawn is one of
 * the board's, whole pixels and all, and the one that is due. What was drawn is of this
 * frame's time or of the one's before, by who is called first.
 */
export async function paced(page, k) {
  const drawn = (await crawled(page, k, 4000)).map(([t, n], i, all) => ({ t, before: all[Math.max(0, i - 1)][0], n })).filter(({ n }) => n !== undefined);
  const strange = drawn.filter(({ n }) => n === null).length;
  must(strange === 0, `${strange} of ${drawn.length} frames are no board's`);
  const again = drawn.findIndex(({ n }, i) => i > 0 && n < drawn[i - 1].n); // from the beginning
  const run = again < 0 ? drawn : again > drawn.length / 2 ? drawn.slice(0, again) : drawn.slice(again + 1);
  const spread = (time) => Math.max(...run.map(time)) - Math.min(...run.map(time));
  const board = ({ n }) => (n * 1000) / k.rate;
  const off = Math.min(spread((x) => x.t - board(x)), spread((x) => x.before - board(x)));
  console.log(`     ${run.at(-1).n - run[0].n} frames of ${k.step} px in ${Math.round(run.at(-1).t - run[0].t)} ms at ${k.rate} a second, ${run.length} drawn, within ${off.toFixed(1)} ms`);
  must(run.at(-1).t - run[0].t > 1000, "too little was seen");
  must(off <= 1000 / k.rate + 1, `it strays from the board's time by ${Math.round(off)} ms`);
}

export async function rules({ author, approver, admin, bulletin }) {
  await step("4 an upload goes on after a break", async () => {
    const context = await visitor({ serviceWorkers: "block", storageState: await author.context().storageState() });
    const page = await context.newPage();
    let broken = 0;
    await page.route("**/api/v1/uploads/**", (r) => (r.request().method() === "PATCH" && broken++ === 0 ? r.abort("connectionreset") : r.continue()));
    await page.goto(base + "/soan");
    await page.getByText("Tệp ghi âm", { exact: true }).click();
    await page.getByLabel("Chọn tệp ghi âm").setInputFiles({ name: "dai.wav", mimeType: "audio/wav", buffer: Buffer.alloc(300_000, 1) });
    await page.getByText(/Đã tải lên/).waitFor();
    must(broken > 1, "nothing was broken off");
    await context.close();
  });
  await step("villages from a sheet: tried first, then taken in", async () => {
    await admin.goto(base + "/cai-dat");
    const card = admin.locator("section", { hasText: "Nhập thôn, xã" }).first();
    await card.getByLabel("Tệp").setInputFiles({ name: "thon.xlsx", mimeType: "application/octet-stream", buffer: Buffer.from("PK\x03\x04 but no more") });
    await card.getByRole("button", { name: "Xem thử" }).click();
    await card.getByRole("alert").filter({ hasText: /Không đọc được tệp XLSX/ }).waitFor();
    await card.getByLabel("Tệp").setInputFiles(env("VILLAGES"));
    await card.getByRole("button", { name: "Xem thử" }).click();
    await card.getByText(/Sẽ thêm 1/).waitFor();
    await card.getByText("Thôn Mới Mở").waitFor();
    must(!(await ask(admin, "/units")).some((u) => u.id === "thon-moi"), "trying it changed something");
    await card.screenshot({ path: join(out, "import.png") });
    await card.getByLabel(/Mật khẩu của người giữ sổ/).fill(people.registrar);
    await card.getByRole("button", { name: "Nhập thật" }).click();
    await admin.getByText("Đã nhập: 1 đơn vị mới, 0 thay đổi.").waitFor();
    const made = (await ask(admin, "/units")).find((u) => u.id === "thon-moi");
    must(made.name === "Thôn Mới Mở" && made.people === 120 && made.counted === "2026-01-01", JSON.stringify(made));
    await admin.getByRole("heading", { name: "Cài đặt" }).waitFor();
  });
  await step("the result as a sheet and on paper", async () => {
    const start = await author.evaluate(async (b) => [...new Uint8Array(await (await fetch(`/api/v1/bulletins/${b}/reach.xlsx`)).arrayBuffer()).slice(0, 2)], bulletin);
    must(String.fromCharCode(...start) === "PK", `a sheet that begins with ${start}`);
    await author.goto(`${base}/phat/${bulletin}`);
    await author.locator(".big").waitFor();
    await author.emulateMedia({ media: "print" });
    for (const part of ["header", "nav", ".foot"]) must(!(await author.locator(part).first().isVisible()), `${part} is printed`);
    must(await author.locator(".big").isVisible(), "the figure is not printed");
    await author.emulateMedia({ media: null });
  });
  await step("a commune draws its map by touch and by keys, and sees its result on it", async () => {
    await admin.goto(base + "/ban-do");
    const frame = admin.getByRole("application");
    await frame.scrollIntoViewIfNeeded();
    await admin.getByLabel("Đang vẽ thôn").selectOption({ label: "Thôn Đông" });
    const redraw = admin.getByRole("button", { name: "Vẽ lại thôn này" });
    if (await redraw.count()) await redraw.click();
    const box = await frame.boundingBox();
    for (const [x, y] of [[0.2, 0.2], [0.7, 0.25]]) await frame.click({ position: { x: box.width * x, y: box.height * y } });
    await frame.focus();
    for (let n = 0; n < 12; n++) await admin.keyboard.press("ArrowDown");
    await admin.keyboard.press(" ");
    await admin.getByText("3 góc").first().waitFor();
    await admin.getByRole("button", { name: "Lưu bản đồ" }).click();
    await admin.getByText("Đã lưu bản đồ.").first().waitFor();
    const kept = JSON.parse((await ask(admin, "/units/xa-binh-an/map")).geojson);
    const dong = kept.features.find((f) => f.properties.unit === "thon-dong");
    must(dong?.geometry.type === "Polygon" && dong.geometry.coordinates[0].length >= 4, JSON.stringify(kept).slice(0, 200));
    await author.goto(`${base}/phat/${bulletin}`);
    await author.locator("svg.map").waitFor();
  });
  await step("villages silent for two slots stand on the first screen", async () => {
    must(Array.isArray(await ask(author, "/silent-villages")), "the hub does not say");
    const context = await visitor({ serviceWorkers: "block", storageState: await author.context().storageState() });
    const page = await context.newPage();
    const village = (await ask(author, "/units")).find((u) => u.kind === "village");
    await page.route("**/api/v1/silent-villages", (r) => r.fulfill({ json: [{ unit: village.id, devices: 2, since: new Date(Date.now() - 13 * 3600_000).toISOString() }] }));
    await page.goto(base);
    await page.locator(".card.alarm", { hasText: village.name }).getByText(/không nơi nào chứng minh đã phát, từ .*; 2 thiết bị/).waitFor();
    await page.screenshot({ path: join(out, "silent.png") });
    await page.locator(".card.alarm a").click();
    await page.getByRole("heading", { name: "Cảnh báo" }).waitFor();
    await page.locator(".card.alarm", { hasText: village.name }).waitFor();
    await context.close();
  });
  await step("by ear: what begins on air is told, a stop is read out once, nothing is said twice in one place", async () => {
    const title = "Tin để nghe bằng tai";
    const heard = await made(author, { title, text: "Mời bà con nghe. ".repeat(12), options: { wanted: true } });
    await author.goto(base + "/dang-phat");
    await author.getByText("Không có gì đang phát ở các đơn vị của anh/chị.").waitFor();
    // What a screen reader says of its own accord: each new text of a live region, whole if it is an alert.
    await author.evaluate(() => {
      globalThis.told = [];
      new MutationObserver((changes) => {
        const live = new Set(changes.map((c) => (c.target.nodeType === 3 ? c.target.parentElement : c.target)?.closest("[role=alert], [role=status], [aria-live]")).filter(Boolean));
        for (const e of live) if (e.getAttribute("aria-live") !== "off" && e.textContent.trim()) globalThis.told.push(e.textContent.trim());
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    const told = () => author.evaluate(() => globalThis.told);
    await approved(author, approver, heard, { units: [(await ask(author, "/sessions")).grants[0].unit], when: "now" });
    await until("its begin is told", async () => (await told()).includes(`Vừa bắt đầu phát: ${title}.`));
    await author.getByText(/ trên .*, âm lượng \d+\s%/).first().waitFor();
    const cdp = await author.context().newCDPSession(author);
    const names = (await cdp.send("Accessibility.getFullAXTree")).nodes.filter((n) => !n.ignored && n.role?.value === "link").map((n) => n.name?.value ?? "");
    await cdp.detach();
    const playing = names.filter((n) => /giây trên/.test(n));
    must(playing.length > 0 && playing.every((n) => n.match(/giây trên/g).length === 1), `said twice: ${playing}`);
    await author.evaluate(() => (globalThis.told = []));
    await author.getByRole("button", { name: "DỪNG PHÁT" }).click();
    const strip = author.locator(".strip").getByRole("button", { name: "Hoàn tác" });
    await strip.waitFor();
    await author.getByText("(2)", { exact: true }).waitFor();
    const stops = (await told()).filter((x) => x.startsWith("Đã gửi lệnh dừng"));
    must(stops.length === 1 && !/\(\d\)/.test(stops[0]), `while the seconds run it says: ${JSON.stringify(stops)}`);
    await strip.waitFor({ state: "detached" });
    await until("its end is told", async () => (await told()).includes(`Vừa phát xong: ${title}.`));
  });
  await step("by keyboard alone: past the head, into a form, and to the stop", async () => {
    await author.goto(base + "/soan");
    await author.getByLabel("Tiêu đề").waitFor();
    // The screen's heading has taken the focus; back to the beginning of the page.
    await author.waitForFunction(() => document.activeElement?.tagName === "H1");
    await author.evaluate(() => {
      document.body.tabIndex = -1;
      document.body.focus();
      document.body.removeAttribute("tabindex");
    });
    await author.keyboard.press("Tab");
    must((await author.evaluate(() => document.activeElement?.className)) === "skip", "the way past the head does not come first");
    await author.keyboard.press("Enter");
    must((await author.evaluate(() => document.activeElement?.id)) === "main", "it leads elsewhere");
    const seen = new Set();
    for (let n = 0; n < 40; n++) {
      await author.keyboard.press("Tab");
      const at = await author.evaluate(() => {
        const e = document.activeElement;
        const box = (e?.closest(".pick") ?? e)?.getBoundingClientRect();
        const ring = e && getComputedStyle(e.closest(".pick") ?? e);
        return { name: e?.getAttribute("name") ?? e?.tagName ?? "", shown: Boolean(box && box.bottom > 0 && box.top < innerHeight), ring: ring ? ring.outlineStyle !== "none" : false };
      });
      must(at.name === "BODY" || (at.shown && at.ring), `focus cannot be seen at ${at.name}`);
      seen.add(at.name);
    }
    for (const name of ["class", "source", "title", "text"]) must(seen.has(name), `${name} is not reached`);
  });
  let id = "";
  await step("5 midnight is the country's, wherever the browser's clock is", async () => {
    id = await made(author, { title: "Họp lúc nửa đêm", text: "Mời bà con họp.", options: { wanted: true } });
    for (const timezoneId of ["America/New_York", "Pacific/Auckland"]) {
      const context = await visitor({ timezoneId, serviceWorkers: "block", storageState: await author.context().storageState() });
      const page = await context.newPage();
      // A minute before midnight, and a minute after, in Asia/Ho_Chi_Minh.
      for (const [at, day, slot] of [["2030-12-01T16:59:00Z", "2030-12-02", "05:00 ngày mai"], ["2030-12-01T17:01:00Z", "2030-12-02", "05:00 hôm nay"]]) {
        await page.clock.setFixedTime(new Date(at));
        await page.goto(`${base}/gui/${id}`);
        await page.getByRole("button", { name: slot }).first().waitFor();
        must((await page.getByLabel("Ngày", { exact: true }).inputValue()) === day, `${timezoneId} at ${at}: the first day is ${await page.getByLabel("Ngày", { exact: true }).inputValue()}`);
        must((await page.getByLabel("Giờ", { exact: true }).inputValue()) === "05:00", "another hour");
      }
      await context.close();
    }
  });
  await step("5 two bulletins at one time: the calendar says which one waits", async () => {
    const other = await made(author, { title: "Tiêm chủng cùng giờ", text: "Mời các cháu đi tiêm.", options: { wanted: true } });
    const unit = (await ask(author, "/sessions")).grants[0].unit;
    const day = new Date(Date.now() + 31 * 3600_000).toISOString().slice(0, 10);
    const wish = { units: [unit], when: "at", start: `${day}T17:00:00` };
    await approved(author, approver, id, wish);
    const warned = await call(author, "POST", `/bulletins/${other}/preview`, wish);
    must(warned.status === 200, JSON.stringify(warned.body));
    await approved(author, approver, other, wish);
    await author.goto(base + "/lich");
    await author.getByRole("button", { name: "Danh sách" }).click();
    // Tomorrow is in another week on Sundays.
    const week = (hours) => Math.floor((Math.floor((Date.now() + hours * 3600_000) / 86_400_000) + 3) / 7);
    if (week(31) !== week(7)) await author.getByRole("button", { name: "Tuần sau", exact: true }).click();
    const waits = author.locator(".entry", { hasText: /(Họp lúc nửa đêm|Tiêm chủng cùng giờ)đợi “(Họp lúc nửa đêm|Tiêm chủng cùng giờ)” xong, bắt đầu 17:00/ }).first();
    await waits.waitFor();
    await waits.scrollIntoViewIfNeeded();
    await author.screenshot({ path: join(out, "conflict.png") });
    for (const a of await ask(author, "/airings")) if ([id, other].includes(a.bulletin)) await call(author, "DELETE", `/airings/${a.id}`);
  });
  await step("boards: layouts, a picture, and the preview that moves as the board does", async () => {
    // As on a higher board, where text has the room to run.
    const unit = (await ask(author, "/sessions")).grants[0].unit;
    const high = await call(author, "POST", "/boards/preview", { unit, class: "normal", title: "Họp thôn", board: "19h30 tối nay\nMời bà con tới nhà văn hoá, mang theo giấy mời", layout: "ticker", sizes: [{ width: 192, height: 64, row: 16 }] });
    must(high.body[0].pages[0].crawl?.frames > 0, "it does not run");
    await author.route("**/boards/preview", (r) => r.fulfill({ json: high.body }));
    await author.goto(base + "/soan");
    await author.getByText("Thông thường", { exact: true }).click();
    await author.getByText("Không tiếng", { exact: true }).click();
    await author.getByLabel("Chữ trên bảng", { exact: true }).fill("Họp thôn 19h30 tối nay tại nhà văn hoá");
    await author.getByText("Chữ chạy", { exact: true }).click();
    const canvas = author.locator("canvas").first();
    await author.getByRole("button", { name: "Xem bảng chạy" }).first().click();
    await canvas.waitFor();
    const pixels = () => canvas.evaluate((c) => c.toDataURL());
    const before = await pixels();
    await until("it moves", async () => (await pixels()) !== before);
    await paced(author, high.body[0].pages[0].crawl);
    await look(author, "board-ticker", [[360, 740]]);
    await author.unroute("**/boards/preview");
    await author.getByText("Ảnh kèm chữ", { exact: true }).click();
    await author.getByLabel("Ảnh cho bảng").setInputFiles({ name: "anh.png", mimeType: "image/png", buffer: square(64) });
    await author.getByText(/Đã có ảnh anh.png/).waitFor();
    await author.locator("figure.board").first().waitFor();
    await author.getByLabel("Tiêu đề").fill("Tiêm chủng");
    await look(author, "board-picture", [[360, 740]]);
    await author.getByRole("button", { name: "Xem trước" }).click();
    await author.getByRole("heading", { name: /Nghe thử/ }).waitFor();
    const b = await ask(author, `/bulletins/${new URL(author.url()).pathname.split("/")[2]}`);
    must(b.layout === "picture" && b.picture?.width > 0, JSON.stringify([b.layout, b.picture]));
  });
}
