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

import { join } from "node:path";
import { ask, base, browser, failures, idAt, logIn, look, must, open, out, pages, people, result, step, until } from "./lib.mjs";
import { account } from "./account.mjs";
import { others, routes } from "./others.mjs";
import { rules } from "./rules.mjs";

const text = "Mời bà con họp thôn lúc 19h30 ngày 21/6. UBND xã mời.";
const board = "Họp thôn 19h30 ngày 21/6";
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

if (ok) {
  await step("a draft survives a reload", async () => {
    await author.goto(base + "/soan");
    await author.getByLabel("Tiêu đề").fill("Họp thôn");
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
    await approver.clock.runFor(10_000);
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
    await approver.getByText("Phát ngay sau 10 giây").waitFor();
    await approver.clock.runFor(9000);
    must((await ask(author, `/bulletins/${bulletin}`)).state === "submitted", "signed before the ten seconds were over");
    await approver.clock.runFor(1000);
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
    await author.locator(".card.live").first().waitFor();
    await author.screenshot({ path: join(out, "onair.png") });
    await until("something plays", 20_000, async () => (await ask(author, "/devices")).some((d) => d.playing));
    await author.goto(base + "/dang-phat");
    await author.getByText(/ trên .*, âm lượng \d+ %/).first().waitFor();
    await author.screenshot({ path: join(out, "progress.png"), fullPage: true });
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
  await author.locator("main").getByText("Khẩn cấp", { exact: true }).click();
  await look(author, "emergency", [[360, 740]]);
  await author.getByText("Đây là diễn tập").click();
  await look(author, "drill", [[360, 740]]);
  await step("stop is on every screen", async () => {
    for (const p of [...routes, `/soan/${bulletin}`, `/nghe/${bulletin}`, `/gui/${bulletin}`, `/phat/${bulletin}`, "/khong-co"]) {
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
  const admin = await open("admin");
  await logIn(admin, people.admin);
  const over = await others({ author, approver, admin, bulletin });
  await rules({ author, approver, admin, bulletin });
  await account({ author, approver, admin });
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
