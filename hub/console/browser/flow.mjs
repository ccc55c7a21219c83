// The console in a real browser against a real hub, from log-in to confirmed
// receipts. It expects at least one village of the author's whose devices are all
// connected and play. It prints PASS and FAIL lines and ends with status 1 if
// anything failed.
//
//   BASE_URL       where the hub answers, http://127.0.0.1:8080
//   AUTHOR, APPROVER                      who logs in: soan, duyet1
//   AUTHOR_PASSWORD, APPROVER_PASSWORD
//   OUT            folder for screenshots
//   VILLAGES       a workbook with one village more, thon-moi
//   PARTS, BUT     only these, all but these: path, others, rules, desk, machines,
//                  kept, account
//   CHROMIUM       the browser's program, /usr/bin/chromium

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, base, browser, call, env, failures, idAt, listenWhole, logIn, look, must, open, out, pages, people, result, step, until, visitor } from "./lib.mjs";
import { account } from "./account.mjs";
import { desk } from "./desk.mjs";
import { kept } from "./kept.mjs";
import { machines } from "./machines.mjs";
import { others, routes } from "./others.mjs";
import { approved, made, rules } from "./rules.mjs";

const text = "Mời bà con họp thôn lúc 19h30 ngày 21/6. UBND xã mời.";
const board = "19h30 ngày 21/6"; // short, for it is waited for
let bulletin = "";
let villages = [];
const parts = ["path", "others", "rules", "desk", "machines", "kept", "account"];
const named = (variable) => {
  const names = env(variable, "").split(",").filter(Boolean);
  for (const n of names) must(parts.includes(n), `${variable}: no part is called ${n}`);
  return names;
};
const [only, but] = [named("PARTS"), named("BUT")];
const part = (name) => (only.length === 0 || only.includes(name)) && !but.includes(name);

/** listen hears a bulletin's sound to its end; before, it cannot be sent. */
async function listen(page) {
  const next = page.getByRole("button", { name: "Tiếp: chọn nơi và giờ" });
  await next.waitFor();
  must(await next.isDisabled(), "it can be sent before anybody has listened");
  await listenWhole(page);
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
let ok = await step("1 author and approver log in, in either language", async () => {
  await author.goto(base);
  await author.getByRole("button", { name: "English" }).click();
  await author.getByLabel("User name").fill(people.author.user);
  await author.getByLabel("Password").fill(people.author.password);
  await author.getByRole("button", { name: "Log in" }).click();
  await author.getByRole("heading", { name: "Today" }).waitFor();
  await author.getByRole("button", { name: "Tiếng Việt" }).click();
  await author.getByRole("heading", { name: "Hôm nay" }).waitFor();
  await logIn(approver, people.approver);
  await approver.clock.install(); // so that ten seconds need not be waited for
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
if (ok && !part("path")) {
  await step("instead of the path: a bulletin is aired", async () => {
    bulletin = await made(author, { title: "Họp thôn", text, board, options: { wanted: true } });
    await approved(author, approver, bulletin, { units: ["xa-binh-an"], when: "now", plays_per_day: 2 });
    await until("it is played", async () => ((r) => r.expected > 0 && r.played === r.expected)(await ask(author, `/bulletins/${bulletin}/reach`)));
  });
}
const path = part("path");

if (ok && path) {
  await step("a draft survives a reload", async () => {
    await author.goto(base + "/soan");
    await author.getByLabel("Tiêu đề").fill("Họp thôn");
    await author.getByLabel("Nội dung").fill(text);
    await author.getByText(/Đã lưu nháp/).waitFor();
    await author.reload();
    must((await author.getByLabel("Nội dung").inputValue()) === text, "the text is gone");
    let kept;
    await until("the hub has it too", async () => (kept = (await ask(author, "/drafts")).find((d) => d.title === "Họp thôn")), 8000);
    const context = await visitor({ storageState: { ...(await author.context().storageState()), origins: [] } });
    const other = await context.newPage();
    await other.goto(`${base}/nhap/${kept.id}`);
    await other.waitForFunction((t) => document.querySelector("[name=text]")?.value === t, text);
    await context.close();
  });
  await author.getByText("Hiện chữ trên bảng điện tử").click();
  await author.getByLabel("Chữ trên bảng", { exact: true }).fill(board);
  await look(author, "compose");
  ok = await step("compose, sound is made, listened to", async () => {
    await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await author.getByRole("heading", { name: /Nghe thử/ }).waitFor();
    await author.getByRole("button", { name: "Tiếp: chọn nơi và giờ" }).waitFor();
    bulletin = idAt(author);
    await author.getByRole("img", { name: /Trang 1\// }).first().waitFor();
  });
  if (ok) {
    await look(author, "listen");
    ok = await step("one whole listen before sending", () => listen(author));
  }
}
if (ok && path) {
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
    must(await author.getByRole("button", { name: "Gửi duyệt" }).isDisabled(), "a start in quiet hours can be sent");
    await author.getByText("Xin phép phát trong giờ yên tĩnh").click();
    must(await author.getByRole("button", { name: "Gửi duyệt" }).isDisabled(), "night without a reason");
    const wish = { units: [unit], when: "at", start: `${tomorrow}T${hour}:00` };
    const refused = await author.evaluate(async ([b, w]) => (await fetch(`/api/v1/bulletins/${b}/submit`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(w) })).json(), [bulletin, wish]);
    must(refused.code === "quiet-hours", `a start at night without permission: ${JSON.stringify(refused)}`);
    await author.getByLabel("Lý do phát trong giờ yên tĩnh").fill("Nước sông lên nhanh trong đêm");
    await author.getByText(new RegExp(`Sẽ phát .* ${hour} .*còn \\d+ .* nữa`)).waitFor();
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
if (ok && path) {
  await step("6 the author cannot approve, neither here nor past the screens", async () => {
    await author.goto(base + "/duyet");
    await author.locator("main a.row").first().click();
    const self = await call(author, "POST", `/approvals/${idAt(author)}/approve`, { password: people.author.password });
    must(self.status === 403 || self.status === 409, `approved by oneself: ${self.status}`);
    await author.getByText(/người khác phải duyệt/).waitFor();
    must((await author.getByRole("button", { name: "Duyệt", exact: true }).count()) === 0, "a button to approve one's own");
  });
  ok = await step("the approver hears of it without reloading", async () => {
    await approver.getByText("Chờ anh/chị duyệt").first().waitFor();
    await approver.getByText("Chờ anh/chị duyệt").first().click();
    await approver.getByRole("heading", { level: 1 }).waitFor();
  });
  await step("people are called by their names", async () => {
    await approver.locator("dd", { hasText: "Nguyễn Thị Soạn, " }).waitFor();
    must(!/\bsoan\b/.test(await approver.locator("main").innerText()), "the author's user name");
  });
  await look(approver, "approve");
  await step("a wrong password does not sign", async () => {
    await approver.getByRole("button", { name: "Duyệt", exact: true }).click();
    await approver.getByLabel("Mật khẩu của anh/chị, để ký").fill("khong phai mat khau nay");
    await approver.getByRole("button", { name: "Ký và phát ngay" }).click();
    await approver.getByText(/Phát ngay sau/).waitFor();
    await approver.screenshot({ path: join(out, "countdown.png") });
    await approver.clock.runFor(10_000);
    await approver.getByRole("alert").filter({ hasText: /./ }).first().waitFor();
  });
  await step("7 the count-down of what goes on air now can be cancelled", async () => {
    await approver.getByLabel("Mật khẩu của anh/chị, để ký").fill(people.approver.password);
    await approver.getByRole("button", { name: "Ký và phát ngay" }).click();
    await approver.getByRole("button", { name: "Huỷ, chưa phát" }).click();
    must((await ask(author, `/bulletins/${bulletin}`)).state === "submitted", "signed all the same");
  });
  ok = await step("approve, and it is confirmed by every device", async () => {
    await approver.getByRole("button", { name: "Duyệt", exact: true }).click();
    await approver.getByLabel("Mật khẩu của anh/chị, để ký").fill(people.approver.password);
    await approver.getByRole("button", { name: "Ký và phát ngay" }).click();
    await approver.getByText("Phát ngay sau 10 giây").waitFor();
    await approver.clock.runFor(9000);
    must((await ask(author, `/bulletins/${bulletin}`)).state === "submitted", "signed before the ten seconds were over");
    await approver.clock.runFor(1000);
    await author.goto(base + `/phat/${bulletin}`);
    await approver.getByText("Đã duyệt, đang chuyển tới thiết bị.").waitFor();
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
if (ok && path) {
  await look(author, "aired");
  await step("never said to be heard, nor shown when only drawn", async () => {
    const said = (await author.locator("main").innerText()).toLowerCase();
    must(!/đã nghe(?! hết)|đã hiển thị/.test(said.replace("không có nghĩa là ai cũng đã nghe", "")), "a word above what is proved");
  });
  await step("air again, DỪNG PHÁT cuts it; the offer to take it back comes and goes", async () => {
    await author.getByRole("button", { name: /Phát lại/ }).click();
    await author.getByText(/^Phát ngay sau \d+ giây$/).waitFor();
    await author.getByRole("button", { name: "Huỷ, chưa phát" }).click();
    await author.getByText("Đã huỷ. Chưa phát lại.").waitFor();
    await author.getByRole("button", { name: /Phát lại/ }).click();
    await author.getByText("Đã gửi lịch phát lại.").waitFor(); // ten seconds later
    await author.getByRole("link", { name: "Hôm nay" }).click();
    await author.locator(".card.live").first().waitFor();
    await author.screenshot({ path: join(out, "onair.png") });
    await until("something plays", async () => (await ask(author, "/devices")).some((d) => d.playing));
    await author.goto(base + "/dang-phat");
    await author.getByText(/ trên .*, âm lượng \d+\s%/).first().waitFor();
    await author.screenshot({ path: join(out, "progress.png"), fullPage: true });
    await author.getByRole("button", { name: "DỪNG PHÁT" }).click();
    await author.getByRole("button", { name: /Hoàn tác/ }).waitFor();
    await author.screenshot({ path: join(out, "stopped.png") });
    await until("it is cut", async () => (await ask(author, `/bulletins/${bulletin}/reach`)).cut > 0);
    await author.getByRole("button", { name: /Hoàn tác/ }).waitFor({ state: "detached" });
    await author.goto(base + `/phat/${bulletin}`);
    await author.getByText(/có lệnh dừng phát/i).first().waitFor();
  });
  await look(author, "aired-cut");
}
if (ok && path) {
  await step("6 an edit voids the approval: it is a new revision, the approver sees what differs and returns it", async () => {
    await author.goto(base + `/soan/${bulletin}`);
    await author.getByText(/Sửa sẽ tạo bản mới/).waitFor();
    await author.getByLabel("Nội dung").fill(text.replace("19h30", "20h00"));
    await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await listen(author);
    await author.getByText(/Sẽ phát trên/).waitFor();
    await author.getByRole("button", { name: "Gửi duyệt" }).click();
    await author.getByText("Đã gửi duyệt.").waitFor();
    const air = await call(author, "POST", "/airings", { approval: (await ask(author, "/airings?since=2020-01-01T00:00:00Z")).find((a) => a.bulletin === bulletin)?.approval ?? "", wish: { units: ["xa-binh-an"], when: "now" } });
    must(air.status >= 400, "what was approved before the edit can be aired anew");
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
if (ok && path) {
  await author.goto(base + "/thiet-bi");
  await look(author, "devices");
  await author.goto(base + "/soan");
  await author.locator("main").getByText("Khẩn cấp", { exact: true }).click();
  await look(author, "emergency", [[360, 740]]);
  await author.getByText("Đây là diễn tập").click();
  await look(author, "drill", [[360, 740]]);
  await step("7 one tap stops on every screen", async () => {
    let stops = 0;
    author.on("request", (r) => r.method() === "POST" && r.url().endsWith("/stops") && stops++);
    const none = "0".repeat(64);
    const at = [...routes, `/soan/${bulletin}`, `/nghe/${bulletin}`, `/gui/${bulletin}`, `/phat/${bulletin}`, `/duyet/${none}`, "/nhap/khong-co", "/truc-tiep/khong-co", "/khong-co"];
    // None of the router's is left out.
    const known = [...readFileSync(new URL("../src/router.tsx", import.meta.url), "utf8").matchAll(/route\((["`])(.*?)\1/g)].map((m) => new RegExp(`^/${m[2].replace("${id}", "[a-z0-9-]{1,64}")}$`));
    must(known.length > 25, `${known.length} routes found in the router`);
    for (const r of known) must(at.some((p) => r.test(p)), `no address for ${r}`);
    for (const p of at) {
      await author.goto(base + p);
      const button = author.getByRole("button", { name: "DỪNG PHÁT" });
      await button.waitFor();
      const seen = await button.boundingBox();
      must(seen && seen.y >= 0 && seen.y < 100, `not in sight at ${p}`);
      await button.click();
      await author.locator(".strip").getByRole("button", { name: "Hoàn tác" }).waitFor();
    }
    must(stops === at.length, `${stops} stops sent from ${at.length} screens`);
  });
  await step("stop without script, log-in and all, and take it back", async () => {
    const context = await visitor({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
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
}
if (ok) {
  const admin = await open("admin");
  await logIn(admin, people.admin);
  const over = part("others") ? await others({ author, approver, admin, bulletin }) : async () => {};
  if (part("rules")) await rules({ author, approver, admin, bulletin });
  if (part("desk")) await desk({ author, approver, admin });
  if (part("machines")) await machines({ author, admin, bulletin });
  if (part("kept")) await kept({ author, approver }); // while the approver signs with a password
  if (part("account")) await account({ author, approver, admin });
  await over();
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
