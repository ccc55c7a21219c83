// The console in a real browser against a real hub, from log-in to confirmed
// receipts. It expects at least one village of the author's whose devices are all
// connected and play. It prints PASS and FAIL lines and ends with status 1 if
// anything failed.
//
//   BASE_URL       where the hub answers, http://127.0.0.1:8080
//   AUTHOR, APPROVER                      who logs in: soan, duyet1
//   AUTHOR_PASSWORD, APPROVER_PASSWORD
//   OUT            folder for screenshots
//   CHROMIUM       the browser's program, /usr/bin/chromium
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const env = (name, otherwise) => {
  const v = process.env[name] ?? otherwise;
  if (v === undefined) {
    console.log(`FAIL ${name} is not set`);
    process.exit(1);
  }
  return v;
};
const base = env("BASE_URL");
const out = env("OUT");
const people = {
  author: { user: env("AUTHOR", "soan"), password: env("AUTHOR_PASSWORD") },
  approver: { user: env("APPROVER", "duyet1"), password: env("APPROVER_PASSWORD") },
};
mkdirSync(out, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let failures = 0;
function result(name, ok, detail = "") {
  if (!ok) failures++;
  console.log(`${ok ? "PASS" : "FAIL"} ${name}${detail ? `: ${detail}` : ""}`);
}

/** step runs one part of the flow; a part that fails does not end the others, unless they need it. */
async function step(name, work) {
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
function must(ok, what) {
  if (!ok) throw new Error(what);
}

const browser = await chromium.launch({
  executablePath: env("CHROMIUM", "/usr/bin/chromium"),
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--lang=vi", "--autoplay-policy=no-user-gesture-required"],
});
const pages = {};
async function open(who) {
  const context = await browser.newContext({ locale: "vi-VN", timezoneId: "Asia/Ho_Chi_Minh", viewport: { width: 390, height: 844 }, deviceScaleFactor: 1 });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  pages[who] = page;
  const wrong = [];
  page.on("pageerror", (e) => wrong.push(String(e)));
  page.on("console", (m) => {
    if (m.type() === "error" && !/status of (401|403|409|422)/.test(m.text())) wrong.push(m.text());
  });
  page.wrong = wrong;
  return page;
}
async function logIn(page, { user, password }) {
  await page.goto(base);
  await page.getByLabel("Tên đăng nhập").fill(user);
  await page.getByLabel("Mật khẩu").fill(password);
  await page.getByRole("button", { name: "Đăng nhập" }).click();
  await page.getByRole("heading", { name: "Hôm nay" }).waitFor();
}
/** ask calls the API as the page's person. */
const ask = (page, path) => page.evaluate(async (p) => (await fetch("/api/v1" + p)).json(), path);
const idAt = (page) => new URL(page.url()).pathname.split("/")[2];

/** look checks one screen in two sizes and two languages: axe, nothing sticks out, nothing is too small to touch. */
async function look(page, name, sizes = [[390, 844], [1366, 768], [320, 640]]) {
  const bad = [];
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height });
    for (const lang of ["vi", "en"]) {
      if ((await page.evaluate(() => document.documentElement.lang)) !== lang) await page.getByRole("button", { name: lang === "en" ? "English" : "Tiếng Việt" }).click();
      await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
      await page.evaluate(() => Promise.all([...document.images].map((i) => i.decode().catch(() => {}))));
      const sticks = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (sticks > 0) bad.push(`${width} ${lang}: ${sticks} px too wide`);
      const small = await page.evaluate(() =>
        [...document.querySelectorAll("button, .button, .second, nav a, .pick, summary, select, .field input, textarea, a.row")]
          .filter((e) => e.getClientRects().length && e.getBoundingClientRect().height < 55.5)
          .map((e) => `${e.tagName} ${e.textContent.slice(0, 20)} ${Math.round(e.getBoundingClientRect().height)}`),
      );
      if (small.length) bad.push(`${width} ${lang}: too small: ${small.join("; ")}`);
      if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
      const found = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ["violations"] })).violations.map((v) => `${v.id} (${v.nodes.map((n) => n.target.join(" ")).join(", ")})`));
      if (found.length) bad.push(`${width} ${lang}: axe: ${found.join("; ")}`);
      if (lang === "vi" || width === 390) await page.screenshot({ path: join(out, `${name}-${width}-${lang}.png`) });
      if (lang === "vi" && width === 390) {
        // As long as the page, so that what sticks to the edges hides nothing.
        await page.setViewportSize({ width, height: Math.max(height, await page.evaluate(() => document.documentElement.scrollHeight)) });
        await page.screenshot({ path: join(out, `${name}-whole.png`) });
        await page.setViewportSize({ width, height });
      }
    }
    await page.getByRole("button", { name: "Tiếng Việt" }).click();
  }
  await page.setViewportSize({ width: 390, height: 844 });
  result(`screen ${name}`, bad.length === 0, bad.join(" || "));
}

const text = "Kính mời bà con đến họp tại nhà văn hoá thôn lúc 19h30 ngày 21/6. UBND xã đề nghị mỗi hộ cử một người dự.";
const board = "Họp thôn 19h30 ngày 21/6 tại nhà văn hoá";
/** until asks again until the answer is yes. */
async function until(what, within, yes) {
  const end = Date.now() + within;
  while (!(await yes())) {
    must(Date.now() < end, `${what}: not within ${within} ms`);
    await new Promise((r) => setTimeout(r, 200));
  }
}
let bulletin = "";
let villages = [];

/** listen hears a bulletin's sound to its end, faster than people do. */
async function listen(page) {
  const next = page.getByRole("button", { name: "Tiếp: chọn nơi và giờ" });
  await next.waitFor({ timeout: 60_000 });
  must(await next.isDisabled(), "it can be sent before anybody has listened");
  await page.getByRole("button", { name: "Nghe", exact: true }).click();
  await page.evaluate(() => (document.querySelector("audio").playbackRate = 8));
  await page.getByText("Anh/chị đã nghe hết.").waitFor({ timeout: 60_000 });
  await next.click();
}

const author = await open("author");
const approver = await open("approver");

await step("a wrong password says what to do", async () => {
  await author.goto(base);
  await author.getByLabel("Tên đăng nhập").fill(people.author.user);
  await author.getByLabel("Mật khẩu").fill("khong phai mat khau nay");
  await author.getByRole("button", { name: "Đăng nhập" }).click();
  must((await author.getByRole("alert").innerText()).length > 10, "nothing said");
});
await look(author, "login");
let ok = await step("author and approver log in", async () => {
  await logIn(author, people.author);
  await logIn(approver, people.approver);
});

if (ok) {
  await look(author, "today");
  await step("villages with connected devices", async () => {
    const [devices, units] = [await ask(author, "/devices"), await ask(author, "/units")];
    const at = units.filter((u) => u.kind === "village").map((u) => [u.name, devices.filter((d) => d.path.includes(u.id) && d.state !== "revoked")]);
    villages = at.filter(([, d]) => d.length > 0 && d.every((x) => x.state === "online")).map(([n]) => n);
    must(villages.length > 0, "no village whose devices are all connected");
  });
  ok = villages.length > 0;
}

if (ok) {
  await step("a draft survives a reload", async () => {
    await author.goto(base + "/soan");
    await author.getByLabel("Nội dung").fill(text);
    await author.getByText(/Đã lưu nháp/).waitFor();
    await author.reload();
    must((await author.getByLabel("Nội dung").inputValue()) === text, "the text is gone");
  });
  await author.getByText("Hiện chữ trên bảng điện tử").click();
  await author.getByLabel("Chữ trên bảng", { exact: true }).fill(board);
  await look(author, "compose");
  ok = await step("compose, sound is made, listened to", async () => {
    await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await author.getByRole("heading", { name: /Nghe thử/ }).waitFor();
    await author.getByRole("button", { name: "Tiếp: chọn nơi và giờ" }).waitFor({ timeout: 60_000 });
    bulletin = idAt(author);
    await author.getByRole("img", { name: /Trang 1\// }).first().waitFor();
  });
  if (ok) {
    await look(author, "listen");
    ok = await step("one whole listen before sending", () => listen(author));
  }
}
if (ok) {
  await step("a start at night warns, permission asks for its reason", async () => {
    await author.getByText("Vào một giờ").click();
    // Half an hour into the unit's own quiet hours, or the usual ones.
    const unit = (await ask(author, `/bulletins/${bulletin}`)).unit;
    const quiet = (await ask(author, `/units/${unit}/quiet`))[0]?.start ?? "02:30";
    const minutes = (Number(quiet.slice(0, 2)) * 60 + Number(quiet.slice(3)) + 30) % 1440;
    const hour = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
    await author.getByLabel("Giờ", { exact: true }).fill(hour);
    const tomorrow = new Date(Date.now() + 31 * 3600_000).toISOString().slice(0, 10);
    await author.getByLabel("Ngày", { exact: true }).fill(tomorrow);
    await author.getByText(/giờ yên tĩnh: loa sẽ không phát/).waitFor();
    await author.getByText("Xin phép phát trong giờ yên tĩnh").click();
    must(await author.getByRole("button", { name: "Gửi duyệt" }).isDisabled(), "night without a reason");
    await author.getByLabel("Lý do phát trong giờ yên tĩnh").fill("Nước sông lên nhanh trong đêm");
    await author.getByText(new RegExp(`Sẽ phát .* ${hour}`)).waitFor();
  });
  await look(author, "send-night");
  await step("repeat by rule", async () => {
    await author.getByText("Lặp lại", { exact: true }).click();
    await author.getByText("Các thứ trong tuần").click();
    await author.getByText(/rồi lặp lại/).waitFor();
  });
  await look(author, "send-rule");
  ok = await step("submit for now, with the hub's sentence", async () => {
    await author.getByText("Xin phép phát trong giờ yên tĩnh").click();
    await author.getByText("Ngay khi được duyệt").click();
    await author.getByText(/Cho phép phát thêm một lần/).click();
    await author.getByText(/^Cả xã/).click();
    for (const v of villages) await author.locator(".villages .pick", { hasText: v }).click();
    await author.getByText(/Sẽ phát trên .* ngay khi được duyệt\./).waitFor();
    await author.screenshot({ path: join(out, "send-now.png") });
    await author.getByRole("button", { name: "Gửi duyệt" }).click();
    await author.getByText("Đã gửi duyệt.").waitFor();
  });
}
if (ok) {
  await step("the author cannot approve", async () => {
    await author.goto(base + "/duyet");
    await author.locator("main a.row").first().click();
    await author.getByText(/người khác phải duyệt/).waitFor();
    must((await author.getByRole("button", { name: "Duyệt", exact: true }).count()) === 0, "a button to approve one's own");
  });
  ok = await step("the approver hears of it without reloading", async () => {
    await approver.getByText("Chờ anh/chị duyệt").first().waitFor();
    await approver.getByText("Chờ anh/chị duyệt").first().click();
    await approver.getByRole("heading", { level: 1 }).waitFor();
  });
  await look(approver, "approve");
  await step("a wrong password does not sign", async () => {
    await approver.getByRole("button", { name: "Duyệt", exact: true }).click();
    await approver.getByLabel("Mật khẩu của anh/chị, để ký").fill("khong phai mat khau nay");
    await approver.getByRole("button", { name: "Ký và phát ngay" }).click();
    await approver.getByText(/Phát ngay sau/).waitFor();
    await approver.screenshot({ path: join(out, "countdown.png") });
    await approver.getByRole("alert").filter({ hasText: /./ }).first().waitFor({ timeout: 20_000 });
  });
  await step("the count-down can be cancelled", async () => {
    await approver.getByLabel("Mật khẩu của anh/chị, để ký").fill(people.approver.password);
    await approver.getByRole("button", { name: "Ký và phát ngay" }).click();
    await approver.getByRole("button", { name: "Huỷ, chưa phát" }).click();
    must((await ask(author, `/bulletins/${bulletin}`)).state === "submitted", "signed all the same");
  });
  ok = await step("approve, and it is confirmed by every device", async () => {
    await approver.getByRole("button", { name: "Duyệt", exact: true }).click();
    await approver.getByLabel("Mật khẩu của anh/chị, để ký").fill(people.approver.password);
    await approver.getByRole("button", { name: "Ký và phát ngay" }).click();
    await author.goto(base + `/phat/${bulletin}`);
    await approver.getByText("Đã duyệt, đang chuyển tới thiết bị.").waitFor({ timeout: 30_000 });
    await author.waitForFunction(
      () => {
        const m = /Đã phát (\d+)\/(\d+)/.exec(document.querySelector(".big")?.textContent ?? "");
        return m && m[1] === m[2] && Number(m[1]) > 0;
      },
      undefined,
      { timeout: 120_000 },
    );
    console.log(`     ${await author.locator(".big").innerText()}`);
  });
}
if (ok) {
  await look(author, "aired");
  await step("never said to be heard, nor shown when only drawn", async () => {
    const said = (await author.locator("main").innerText()).toLowerCase();
    must(!/đã nghe(?! hết)|đã hiển thị/.test(said.replace("không có nghĩa là ai cũng đã nghe", "")), "a word above what is proved");
  });
  await step("air again, DỪNG PHÁT cuts it; the offer to take it back comes and goes", async () => {
    await author.getByRole("button", { name: /Phát lại/ }).click();
    await author.getByText("Đã gửi lịch phát lại.").waitFor();
    await author.getByRole("link", { name: "Hôm nay" }).click();
    await author.locator(".card.live").waitFor();
    await author.screenshot({ path: join(out, "onair.png") });
    await until("something plays", 20_000, async () => (await ask(author, "/devices")).some((d) => d.playing));
    await author.getByRole("button", { name: "DỪNG PHÁT" }).click();
    await author.getByRole("button", { name: /Hoàn tác/ }).waitFor();
    await author.screenshot({ path: join(out, "stopped.png") });
    await until("it is cut", 20_000, async () => (await ask(author, `/bulletins/${bulletin}/reach`)).cut > 0);
    await author.getByRole("button", { name: /Hoàn tác/ }).waitFor({ state: "detached" });
    await author.goto(base + `/phat/${bulletin}`);
    await author.getByText(/có lệnh dừng phát/i).first().waitFor();
  });
  await look(author, "aired-cut");
}
if (ok) {
  await step("an edit is a new revision; the approver sees what differs and returns it", async () => {
    await author.goto(base + `/soan/${bulletin}`);
    await author.getByText(/Sửa sẽ tạo bản mới/).waitFor();
    await author.getByLabel("Nội dung").fill(text.replace("19h30", "20h00"));
    await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await listen(author);
    await author.getByText(/Sẽ phát trên/).waitFor();
    await author.getByRole("button", { name: "Gửi duyệt" }).click();
    await author.getByText("Đã gửi duyệt.").waitFor();
    await approver.goto(base + "/duyet");
    await approver.locator("main a.row").first().click();
    await approver.locator("ins", { hasText: "20h00" }).waitFor();
    await approver.screenshot({ path: join(out, "differences.png"), fullPage: true });
    await approver.getByRole("button", { name: "Trả lại" }).click();
    await approver.getByLabel(/Lý do trả lại/).fill("Sai giờ họp, hãy xem lại giấy mời.");
    await approver.getByRole("button", { name: "Gửi trả lại" }).click();
    await approver.getByText("Đã trả lại người soạn.").waitFor();
    await author.goto(base);
    await author.getByText("Sai giờ họp, hãy xem lại giấy mời.").first().click();
    await author.getByText("Lý do trả lại:").waitFor();
  });
  await look(approver, "approvals");
  await author.goto(base + "/phat");
  await look(author, "list");
}
if (ok) {
  await author.goto(base + "/thiet-bi");
  await look(author, "devices");
  await author.goto(base + "/soan");
  await author.getByText("Khẩn cấp", { exact: true }).click();
  await look(author, "emergency", [[390, 844]]);
  await author.getByText("Đây là diễn tập").click();
  await look(author, "drill", [[390, 844]]);
  await step("stop is on every screen", async () => {
    for (const p of ["/", "/soan", `/soan/${bulletin}`, `/nghe/${bulletin}`, `/gui/${bulletin}`, "/duyet", "/phat", `/phat/${bulletin}`, "/thiet-bi", "/khong-co"]) {
      await author.goto(base + p);
      await author.getByRole("button", { name: "DỪNG PHÁT" }).waitFor();
      const seen = await author.getByRole("button", { name: "DỪNG PHÁT" }).boundingBox();
      must(seen && seen.y >= 0 && seen.y < 100, `not in sight at ${p}`);
    }
  });
  await step("stop without script, log-in and all, and take it back", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, locale: "vi-VN", viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    await page.goto(base + "/dung");
    await page.getByLabel("Tên đăng nhập").fill(people.author.user);
    await page.getByLabel("Mật khẩu").fill(people.author.password);
    await page.getByRole("button", { name: "DỪNG PHÁT" }).click();
    await page.getByText(/Đã gửi lệnh dừng tới \d+ đơn vị/).waitFor();
    await page.screenshot({ path: join(out, "stop-without-script.png") });
    await page.getByRole("button", { name: /Hoàn tác/ }).click();
    await page.getByText("Đã hoàn tác.").waitFor();
    await context.close();
  });
  await step("log out", async () => {
    await author.goto(base);
    await author.getByRole("button", { name: "Đăng xuất" }).click();
    await author.getByRole("button", { name: "Đăng nhập" }).waitFor();
  });
}
for (const [who, p] of Object.entries(pages)) result(`no error in the console of the ${who}`, p.wrong.length === 0, p.wrong.slice(0, 5).join(" | "));
await browser.close();
console.log(failures === 0 ? "PASS" : `FAIL ${failures}`);
process.exit(failures === 0 ? 0 : 1);
