// What belongs to people and to single devices: second factor, deputies, codes to
// scan, muting, replacement, speaking live.
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { ask, base, call, listenWhole, logIn, look, must, open, out, people, step, until } from "./lib.mjs";

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** code is what an authenticator app shows for a secret, some steps of 30 s from now (RFC 6238). */
function code(secret, steps = 0) {
  let bits = "";
  for (const c of secret.replace(/[\s=]/g, "")) bits += letters.indexOf(c).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac("sha1", key).update(count).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** counted counts the taps of a page's person until it is left. */
async function counted(page) {
  await page.evaluate(() => {
    globalThis.taps = 0;
    addEventListener("click", (e) => e.isTrusted && globalThis.taps++, true);
  });
  return () => page.evaluate(() => globalThis.taps);
}

/** sevenTaps takes the way of a first broadcast: of its author to the request, of its approver to the signature. */
async function sevenTaps(author, approver, admin) {
  const key = (await ask(admin, "/passkeys")).find((k) => k.state === "waiting");
  must((await call(admin, "POST", `/passkeys/${key.id}/confirm`, { registrar_password: people.registrar })).status === 200, "the key was not confirmed");
  await author.goto(base);
  await author.getByRole("link", { name: "Soạn bản tin" }).waitFor();
  const own = await counted(author);
  await author.getByRole("link", { name: "Soạn bản tin" }).click();
  await author.getByLabel("Nội dung", { exact: true }).fill("Mời bà con dọn vệ sinh.");
  await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
  await listenWhole(author);
  await author.getByText(/Sẽ phát trên/).waitFor();
  await author.getByRole("button", { name: "Gửi duyệt" }).click();
  await author.getByText("Đã gửi duyệt.").waitFor();
  const written = await own();
  await approver.goto(base);
  await approver.getByText("Chờ anh/chị duyệt").first().waitFor();
  const theirs = await counted(approver);
  await approver.locator("a.row", { hasText: "Mời bà con dọn vệ sinh" }).click();
  await approver.getByRole("button", { name: "Duyệt", exact: true }).click();
  await approver.getByText("Đã duyệt, đang chuyển tới thiết bị.").waitFor();
  const signed = await theirs();
  console.log(`     ${written} taps of the author, ${signed} of the approver`);
  must(written + signed <= 7, `${written} and ${signed} taps`);
  for (const a of await ask(author, "/airings")) if (a.title.startsWith("Mời bà con dọn")) await call(author, "DELETE", `/airings/${a.id}`);
}

export async function account({ author, approver, admin }) {
  let secret = "";
  let codes = [];
  await step("a second factor is set up by phone, with codes for paper", async () => {
    await approver.goto(base + "/cai-dat");
    await approver.getByRole("button", { name: "Cài đặt xác thực hai lớp" }).click();
    await approver.getByRole("img", { name: "Mã QR để cài ứng dụng xác thực" }).waitFor();
    secret = await approver.getByLabel("Không quét được thì gõ khoá này").inputValue();
    await approver.getByLabel("2. Nhập mã sáu số đang hiện").fill("000000");
    await approver.getByRole("button", { name: "Bật xác thực hai lớp" }).click();
    await approver.getByRole("alert").filter({ hasText: /Mã không đúng/ }).first().waitFor();
    await approver.locator("img.qr").scrollIntoViewIfNeeded();
    await approver.screenshot({ path: join(out, "second-factor.png") });
    await approver.getByLabel("2. Nhập mã sáu số đang hiện").fill(code(secret, -1));
    await approver.getByRole("button", { name: "Bật xác thực hai lớp" }).click();
    await approver.locator(".codes li").first().waitFor();
    codes = await approver.locator(".codes li").allInnerTexts();
    must(codes.length === 10, `${codes.length} codes`);
    await approver.screenshot({ path: join(out, "recovery-codes.png") });
    await approver.getByRole("button", { name: "Tôi đã cất các mã này" }).click();
    await approver.getByText("đang bật").waitFor();
  });
  await step("log-in asks for the code, takes one of paper once, and says what is wrong", async () => {
    const page = await open("second factor");
    const begin = async () => {
      await page.goto(base);
      await page.getByLabel("Tên đăng nhập").fill(people.approver.user);
      await page.getByLabel("Mật khẩu").fill(people.approver.password);
      await page.getByRole("button", { name: "Đăng nhập" }).click();
      await page.getByLabel("Mã xác thực").waitFor();
      must((await page.getByRole("alert").count()) === 0, "being asked for a code looks like a mistake");
    };
    await begin();
    await page.getByLabel("Mã xác thực").fill("123456");
    await page.getByRole("button", { name: "Đăng nhập" }).click();
    await page.getByRole("alert").filter({ hasText: /Mã xác thực không đúng/ }).waitFor();
    await look(page, "login-code", [[360, 740]]);
    await page.getByLabel("Mã xác thực").fill(code(secret, 0));
    await page.getByRole("button", { name: "Đăng nhập" }).click();
    await page.getByRole("heading", { name: "Hôm nay" }).waitFor();
    for (const ok of [true, false]) {
      await page.context().clearCookies();
      await begin();
      await page.getByLabel("Mã xác thực").fill(codes[0]);
      await page.getByRole("button", { name: "Đăng nhập" }).click();
      if (ok) await page.getByRole("heading", { name: "Hôm nay" }).waitFor();
      else await page.getByRole("alert").filter({ hasText: /không đúng hoặc đã dùng/ }).waitFor();
    }
    await page.context().close();
    await approver.goto(base + "/cai-dat");
    await approver.locator("summary", { hasText: "Tắt xác thực hai lớp" }).click();
    await approver.getByLabel("Mật khẩu của anh/chị").fill(people.approver.password);
    await approver.getByRole("button", { name: "Tắt xác thực hai lớp" }).click();
    await approver.getByText("chưa bật").waitFor();
  });

  await step("a passkey logs in, and its person sees and ends other log-ins", async () => {
    const page = await open("passkey");
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("WebAuthn.enable");
    await cdp.send("WebAuthn.addVirtualAuthenticator", {
      options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
    await logIn(page, people.approver);
    await page.goto(base + "/cai-dat");
    await page.getByRole("button", { name: "Tạo khoá trên máy này" }).click();
    await page.getByText("chờ xác nhận").waitFor();
    await sevenTaps(author, page, admin);
    await page.goto(base + "/cai-dat");
    await page.getByLabel("Mật khẩu của anh/chị, để đổi cách đăng nhập").fill(people.approver.password);
    await page.getByRole("button", { name: "Dùng để đăng nhập", exact: true }).click();
    await page.getByText("Đã đổi cách đăng nhập.").waitFor();
    await page.locator(".codes li").first().waitFor();
    await page.context().clearCookies();
    await page.goto(base);
    await page.getByRole("button", { name: "Dùng khoá trên máy này" }).click();
    await page.getByRole("heading", { name: "Hôm nay" }).waitFor();
    await page.goto(base + "/cai-dat");
    const here = page.locator("section", { hasText: "Đang đăng nhập ở" });
    await here.getByText("bằng khoá").first().waitFor();
    await look(page, "settings", [[360, 740]]);
    await page.getByLabel("Mật khẩu của anh/chị, để đổi cách đăng nhập").fill(people.approver.password);
    await page.getByRole("button", { name: "Thôi dùng để đăng nhập" }).click();
    await page.getByText("Đã đổi cách đăng nhập.").waitFor();
    await here.getByRole("button", { name: "Kết thúc mọi nơi khác" }).click();
    await page.getByText("Đã kết thúc mọi phiên khác.").waitFor();
    // The other page of the same person finds out, and says so.
    await approver.goto(base);
    await approver.getByRole("button", { name: "Đăng nhập" }).waitFor();
    await logIn(approver, people.approver);
    await page.context().close();
  });

  await step("whoever has a one-time password changes it before anything else", async () => {
    const once = "mot lan roi doi ngay nhe";
    await admin.goto(base + "/nguoi-dung");
    await admin.locator("summary", { hasText: "Thêm người" }).click();
    await admin.getByLabel("Họ tên").fill("Lê Văn Mới");
    await admin.getByLabel("Tên đăng nhập").fill("nguoi-moi");
    await admin.getByLabel("Mật khẩu ban đầu").fill(once);
    await admin.getByRole("button", { name: "Thêm người này" }).click();
    await admin.getByText("Đã thêm.").waitFor();
    const page = await open("newcomer");
    await page.goto(base);
    await page.getByLabel("Tên đăng nhập").fill("nguoi-moi");
    await page.getByLabel("Mật khẩu").fill(once);
    await page.getByRole("button", { name: "Đăng nhập" }).click();
    await page.getByRole("heading", { name: "Việc phải làm trước" }).waitFor();
    must((await page.locator("nav").count()) === 0, "other screens are offered");
    await look(page, "due", [[360, 740]]);
    await page.getByLabel("Mật khẩu hiện nay").fill(once);
    await page.getByLabel("Mật khẩu mới").fill("mat khau cua rieng toi day");
    await page.getByRole("button", { name: "Đổi mật khẩu" }).click();
    await page.getByText("Đăng nhập").or(page.getByText("Hôm nay")).first().waitFor();
    await logIn(page, { user: "nguoi-moi", password: "mat khau cua rieng toi day" }, true);
    await page.context().close();
  });

  await step("a deputy for some days is on the signed list, and is ended", async () => {
    // Somebody who approves in a village already has a key.
    const added = await call(admin, "POST", "/users", { id: "thay", name: "Phạm Thị Thay", password: people.admin.password, grants: [{ unit: "thon-dong", role: "approver" }, { unit: "thon-dong", role: "technician" }], registrar_password: people.registrar });
    must(added.status === 204, JSON.stringify(added.body));
    await admin.goto(base + "/nguoi-duyet");
    await admin.locator("summary", { hasText: "Cử người thay" }).click();
    await admin.getByLabel("Thay cho").selectOption(people.approver.user);
    await admin.getByLabel("Người thay").selectOption("thay");
    await admin.locator("details[open]").getByLabel("Mật khẩu của người giữ sổ").fill(people.registrar);
    await admin.screenshot({ path: join(out, "deputy.png"), fullPage: true });
    await admin.getByRole("button", { name: "Cử người thay" }).click();
    const unit = (await ask(author, "/sessions")).grants[0].unit;
    const entry = async () => (await ask(admin, `/units/${unit}/approvers`)).people.find((p) => p.person === "thay");
    await admin.getByText(/Đã cử người thay|chưa có khoá/).first().waitFor();
    const got = await entry();
    must(got?.for === people.approver.user && got.now && Date.parse(got.until) - Date.parse(got.from) === 7 * 86400_000, JSON.stringify(got));
    await look(admin, "approvers");
    await admin.locator(".card").getByLabel("Mật khẩu của người giữ sổ").first().fill(people.registrar);
    await admin.getByRole("button", { name: /^Chấm dứt/ }).click();
    await admin.getByText("Đã chấm dứt.").first().waitFor();
    must(!(await entry())?.now, "still counts");
    await admin.getByRole("button", { name: "Hoàn tác" }).click();
    await until("the deputy counts again", async () => (await ask(admin, `/units/${unit}/approvers`)).people.some((p) => p.person === "thay" && p.now && p.until === got.until));
  });
  await step("a right removed by a slip comes back by one tap, an approver's with the signed list", async () => {
    await admin.goto(base + "/nguoi-dung");
    await admin.getByLabel("Tìm người").fill("pham thi thay");
    await admin.locator("summary", { hasText: "Phạm Thị Thay" }).click();
    const card = admin.locator(".plainfold[open]");
    await card.getByLabel("Mật khẩu của người giữ sổ").fill(people.registrar);
    await card.getByRole("button", { name: /^Bỏ quyền: Duyệt bản tin/ }).click();
    await admin.getByText(/Đã bỏ quyền Duyệt bản tin: Thôn Đông/).waitFor();
    const there = async () => (await ask(admin, "/units/thon-dong/approvers")).people.some((p) => p.person === "thay" && p.now);
    must(!(await there()), "still on the signed list");
    await admin.screenshot({ path: join(out, "right-removed.png") });
    await admin.getByRole("button", { name: "Hoàn tác" }).click();
    await admin.getByText("Đã hoàn tác.").waitFor();
    must(await there(), "not on the signed list again");
    await card.getByRole("button", { name: /^Bỏ quyền: Kỹ thuật viên/ }).click();
    await admin.getByText(/Đã bỏ quyền Kỹ thuật viên/).waitFor();
    await card.getByLabel("Mật khẩu của người giữ sổ").fill(people.registrar);
    await card.getByRole("button", { name: /^Bỏ quyền: Duyệt bản tin/ }).click();
    await admin.getByRole("alert").filter({ hasText: /quyền cuối cùng/ }).first().waitFor();
    await card.getByRole("button", { name: "Khoá tài khoản" }).click();
    await card.getByText(/không mở lại được/).waitFor();
    must(!(await ask(admin, "/users")).find((u) => u.id === "thay").disabled, "locked by the first tap");
  });

  await step("a device is added, and its code is there to scan", async () => {
    await admin.goto(base + "/thiet-bi/them");
    await admin.getByLabel("Mã thiết bị").fill("loa-moi");
    await admin.getByLabel("Tên", { exact: true }).fill("Loa cổng chợ");
    await admin.getByLabel("Mật khẩu của người giữ sổ").fill(people.registrar);
    await admin.getByRole("button", { name: "Thêm thiết bị" }).click();
    await admin.getByRole("button", { name: "Tạo mã ghi danh" }).click();
    const qr = admin.getByRole("img", { name: "Mã QR của mã ghi danh" });
    await qr.waitFor();
    must(await qr.evaluate((i) => i.decode().then(() => i.naturalWidth > 50)), "no picture");
    must(/^loa1\./.test(await admin.getByLabel("Mã ghi danh").inputValue()), "no claim");
    await look(admin, "claim", [[360, 740]]);
    const away = await call(admin, "PUT", "/devices/loa-moi/mute", { muted: true });
    must(away.status === 409 && away.body.code === "device-away", JSON.stringify(away));
    await call(admin, "DELETE", "/devices/loa-moi");
  });
  await step("broken hardware is replaced by a new code; the old one goes on until then", async () => {
    await admin.goto(base + "/thiet-bi/loa-dong");
    await admin.locator("summary", { hasText: "Thay máy hỏng" }).click();
    await admin.getByRole("button", { name: "Tạo mã cho máy mới" }).click();
    await admin.getByRole("img", { name: "Mã QR của mã ghi danh" }).waitFor();
    must((await ask(admin, "/devices/loa-dong")).state === "online", "the old one is gone already");
  });
  await step("a test tone, and what the sound card says of it", async () => {
    await admin.goto(base + "/thiet-bi/loa-dong");
    await admin.getByRole("button", { name: "Phát tiếng thử" }).click();
    await admin.getByText(/Card âm thanh đã phát hết tiếng thử/).waitFor();
    await admin.screenshot({ path: join(out, "tone.png") });
  });
  await step("muted from afar, it says so; and sounds again", async () => {
    await author.goto(base + "/thiet-bi/loa-dong");
    await author.getByRole("button", { name: "Tắt tiếng thiết bị này" }).click();
    await author.getByText("Đang bị tắt tiếng").first().waitFor();
    await author.screenshot({ path: join(out, "muted.png") });
    await author.getByRole("button", { name: "Bật tiếng lại" }).click();
    await author.getByRole("button", { name: "Tắt tiếng thiết bị này" }).waitFor();
    const log = await ask(admin, "/records?limit=20");
    must(["device muted", "device unmuted"].every((a) => log.records.some((r) => r.act === a && r.person === people.author.user)), "no record of it");
  });

  await step("speaking live: made, approved, spoken, heard by devices, with its events", async () => {
    await author.goto(base + "/tiep-song");
    await author.locator("summary", { hasText: "phát trực tiếp" }).click();
    await author.getByLabel("Đài").selectOption({ label: "Nói trực tiếp từ trang này" });
    await author.getByLabel("Ai nói").fill("Chủ tịch xã");
    await author.getByLabel("Khung giờ từ").fill("00:00");
    await author.getByLabel("đến", { exact: true }).fill("23:59");
    await author.getByLabel("Khung giờ dài (phút)").fill("1");
    await author.getByRole("button", { name: "Tạo tiếp sóng" }).click();
    await author.getByRole("heading", { name: /Phát ở đâu/ }).waitFor();
    const id = new URL(author.url()).pathname.split("/")[2];
    const unit = (await ask(author, "/sessions")).grants[0].unit;
    const sent = await call(author, "POST", `/bulletins/${id}/submit`, { units: [unit], when: "now" });
    must(sent.status < 300, JSON.stringify(sent.body));
    const request = (await ask(approver, "/approvals")).find((r) => r.bulletin.id === id);
    const signed = await call(approver, "POST", `/approvals/${request.id}/approve`, { password: people.approver.password });
    must(signed.body.state === "approved", JSON.stringify(signed.body));
    await author.goto(base + `/truc-tiep/${id}`);
    await author.getByRole("button", { name: "BẮT ĐẦU NÓI" }).click();
    await author.getByText(/Đang nói trực tiếp/).waitFor();
    await author.getByText("Bắt đầu nhận luồng tiếng").waitFor();
    const air = (await ask(author, "/airings")).find((a) => a.bulletin === id);
    await until("devices play what is said", async () => (await ask(author, "/devices")).some((d) => d.playing === air.id));
    await author.screenshot({ path: join(out, "live.png"), fullPage: true });
    await author.getByRole("button", { name: "THÔI NÓI" }).click();
    await author.goto(base + `/phat/${id}`);
    await author.getByText("Bắt đầu nhận luồng tiếng").waitFor();
    await author.getByRole("button", { name: "DỪNG PHÁT" }).click();
    await author.getByRole("button", { name: /Hoàn tác/ }).waitFor();
    await author.goto(base + `/truc-tiep/${id}`);
    await author.getByRole("heading", { level: 1 }).waitFor();
    await look(author, "live-page", [[360, 740]]);
    await author.goto(base + `/phat/${id}`);
    await author.getByText("Bắt đầu nhận luồng tiếng").waitFor();
  });
  await look(author, "relay-events", [[360, 740]]);
}
