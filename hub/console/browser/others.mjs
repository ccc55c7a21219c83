// Everything but the main path: recording, uploads, emergencies, working without
// a network, the shared stream, 10,000 devices, hostile texts, every screen.
import { join } from "node:path";
import { ask, base, call as send, idAt, listenWhole, logIn, look, must, open, out, people, result, step, until, visitor, wave } from "./lib.mjs";

/** Every address that has a screen of its own, for loops over all of them. */
export const routes = ["/", "/soan", "/duyet", "/lich", "/dang-phat", "/phat", "/khan-cap", "/dien-tap", "/thiet-bi", "/thiet-bi/loa-dong", "/thiet-bi/them", "/thiet-bi/nhap", "/bang", "/kho", "/tiep-song", "/tiep-song/moi", "/nguoi-dung", "/canh-bao", "/nhat-ky", "/nguoi-duyet", "/cai-dat", "/don-vi", "/ban-do", "/trang"];

const hostile = `<img src=x onerror="window.hit=1">"'\`{{7*7}}<script>window.hit=1</script>${"d".repeat(60)}`;

async function sign(page, request) {
  await page.goto(base + `/duyet/${request}`);
  await page.getByRole("button", { name: "Duyệt", exact: true }).click();
  await page.getByLabel("Mật khẩu của anh/chị, để ký").fill(people.second.password);
  await page.getByRole("button", { name: /^Ký/ }).click();
}

export async function others({ author, approver, admin, bulletin }) {
  await step("3 a recording survives a closed tab and goes on", async () => {
    const tab = await author.context().newPage();
    await tab.goto(base + "/soan");
    await tab.getByText("Ghi âm", { exact: true }).first().click();
    await tab.getByRole("button", { name: "Ghi âm" }).click();
    await tab.getByText(/Đang ghi: 5 giây/).waitFor();
    await tab.screenshot({ path: join(out, "recording.png") });
    // Killed: nothing of the page runs any more.
    const cdp = await author.context().newCDPSession(tab);
    const killed = tab.waitForEvent("crash");
    cdp.send("Page.crash").catch(() => {});
    await killed;
    await tab.close();
    await author.goto(base + "/soan");
    await author.getByText(/Đã ghi \d/).waitFor();
    await author.getByRole("button", { name: "Ghi tiếp" }).click();
    await author.getByText(/Đang ghi: /).waitFor();
    await author.waitForTimeout(2000);
    await author.getByRole("button", { name: "Dừng ghi" }).click();
    await author.getByText(/2 đoạn/).waitFor();
  });
  await look(author, "record");
  await step("3 both parts are in the sound", async () => {
    await author.getByLabel("Tiêu đề").fill("Ghi âm thử");
    await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await author.getByRole("button", { name: "Tiếp: chọn nơi và giờ" }).waitFor();
    const b = await ask(author, `/bulletins/${idAt(author)}`);
    must(b.origin === "sound" && b.length_ms > 5500, `${b.origin}, ${b.length_ms} ms`);
  });

  await step("4 a decomposed title and a wrong type: the bytes count", async () => {
    await author.goto(base + "/soan");
    await author.getByText("Tệp ghi âm", { exact: true }).click();
    await author.getByLabel("Tiêu đề").fill("Thông báo tiêm chủng".normalize("NFD"));
    await author.getByLabel("Chọn tệp ghi âm").setInputFiles({ name: "Thông báo.txt".normalize("NFD"), mimeType: "text/plain", buffer: wave(3) });
    await author.getByText(/Đã tải lên/).waitFor();
    await author.getByText("Ngôn ngữ, lọc tạp âm, cắt").click();
    await author.getByLabel("Ngôn ngữ trong bản ghi").selectOption("hmn");
    await author.getByText("Lọc tạp âm và làm đều tiếng").click();
    await author.getByLabel("Kết thúc ở giây").fill("2");
    await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await author.getByRole("button", { name: "Tiếp: chọn nơi và giờ" }).waitFor();
    await author.getByText("Nghe bản gốc để so sánh").click();
    must(await author.locator("audio[src$='/sound/original']").evaluate((a) => new Promise((ok) => { a.onloadedmetadata = () => ok(Math.round(a.duration) === 3); a.onerror = () => ok(false); a.load(); })), "the original cannot be heard");
    const b = await ask(author, `/bulletins/${idAt(author)}`);
    must(b.title === "Thông báo tiêm chủng".normalize("NFC"), `title ${JSON.stringify(b.title)}`);
    must(b.length_ms === 2000 && b.language === "hmn" && b.options.repair === true, `${b.length_ms} ms, ${b.language}`);
  });

  let alarm = "";
  const second = await open("second");
  await logIn(second, people.second);
  await second.clock.install();
  await step("8 an emergency from a template asks for two people, and has its all-clear ready", async () => {
    await author.goto(base + "/khan-cap");
    await author.getByRole("button", { name: /Cháy/ }).click();
    must(await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).isDisabled(), "places in brackets can be sent");
    await author.getByLabel("Nội dung phát").fill("Cháy lớn ở chợ. Bà con rời ngay.");
    await author.getByLabel("Chữ trên bảng").fill("CHÁY LỚN Ở CHỢ");
    await author.screenshot({ path: join(out, "emergency-write.png"), fullPage: true });
    await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await listenWhole(author);
    alarm = idAt(author);
    await author.getByText(/KHẨN CẤP: sẽ phát trên/).waitFor();
    await author.getByRole("button", { name: "Gửi duyệt" }).click();
    await author.getByText("Đã gửi duyệt.").waitFor();
    const clear = await ask(author, `/bulletins/${alarm}/all-clear`);
    must(clear.class === "emergency" && clear.id !== alarm, "no all-clear is prepared");
  });
  await step("8 two people sign; it takes the board over from what was shown, and can be called off", async () => {
    // Something else is on the board; who watches the boards sees the one give way to the other.
    const unit = (await ask(author, "/sessions")).grants[0].unit;
    const usual = (await send(author, "POST", "/bulletins", { unit, class: "normal", title: "Tin thường trên bảng", text: "", board: "Lịch tiếp dân hằng tuần tại trụ sở. ".repeat(12), options: { wanted: false } })).body;
    await send(author, "POST", `/bulletins/${usual.id}/submit`, { units: [unit], when: "now" });
    const normal = (await ask(approver, "/approvals")).find((r) => r.bulletin.id === usual.id);
    must((await send(approver, "POST", `/approvals/${normal.id}/approve`, { password: people.approver.password })).status === 200, "not approved");
    const watcher = await author.context().newPage();
    await watcher.goto(base + "/bang");
    await watcher.locator(".card", { hasText: usual.title }).waitFor();
    const request = (await ask(approver, "/approvals")).find((r) => r.bulletin.id === alarm);
    must(request.needed === 2, `${request.needed} signatures`);
    await sign(approver, request.id);
    await approver.getByText("Cần thêm một người khác ký.").first().waitFor();
    must((await ask(author, `/bulletins/${alarm}`)).state === "submitted", "one signature was enough");
    await sign(second, request.id);
    await second.getByText(/Phát ngay sau/).waitFor();
    await second.screenshot({ path: join(out, "emergency-countdown.png") });
    await second.clock.runFor(10_000);
    await second.getByText("Đã duyệt, đang chuyển tới thiết bị.").waitFor();
    await author.goto(base + "/khan-cap");
    await author.getByText("Đang có hiệu lực").waitFor();
    await author.getByRole("link", { name: "Báo hết khẩn cấp" }).waitFor();
    const air = (await ask(author, "/airings")).find((a) => a.bulletin === alarm);
    must(air.class === "emergency" && Date.parse(air.last) - Date.parse(air.first) < 25 * 3600_000, "an emergency without an end");
    for (let n = 0; ; n++) {
      if ((await ask(author, "/devices")).some((d) => d.board && d.playing === air.id)) break;
      must(n < 100, "the board shows something else");
      await author.waitForTimeout(200);
    }
    await watcher.locator(".card", { hasText: (await ask(author, `/bulletins/${alarm}`)).title }).waitFor();
    await watcher.screenshot({ path: join(out, "taken-over.png"), fullPage: true });
    await watcher.close();
  });
  await look(author, "emergency-running");
  await step("8 stopped by one tap", async () => {
    await author.goto(base + "/dang-phat");
    await author.locator(".card.live").first().waitFor();
    await author.screenshot({ path: join(out, "onair-screen.png"), fullPage: true });
    await author.getByRole("button", { name: "DỪNG PHÁT" }).click();
    const tapped = Date.now();
    for (let n = 0; (await ask(author, "/devices")).some((d) => d.playing); n++) {
      must(n < 400, "something still plays");
      await author.waitForTimeout(25);
    }
    console.log(`     ${Date.now() - tapped} ms from the tap until every device has said that nothing sounds`);
  });
  let short;
  await step("8 an emergency for one minute begins", async () => {
    const unit = (await ask(author, "/sessions")).grants[0].unit;
    const b = (await send(author, "POST", "/bulletins", { unit, class: "emergency", title: "Báo động ngắn", text: "Báo động ngắn.", board: "BÁO ĐỘNG NGẮN", options: { wanted: true } })).body;
    await until("its sound", async () => (await ask(author, `/bulletins/${b.id}`)).state === "ready");
    await send(author, "POST", `/bulletins/${b.id}/submit`, { units: [unit], when: "now", validity: 1, passes: 1 });
    const request = (await ask(approver, "/approvals")).find((r) => r.bulletin.id === b.id);
    for (const [page, who] of [[approver, people.approver], [second, people.second]]) {
      const signed = await send(page, "POST", `/approvals/${request.id}/approve`, { password: who.password });
      must(signed.status === 200, JSON.stringify(signed.body));
    }
    short = (await ask(author, "/airings")).find((a) => a.bulletin === b.id);
    await author.goto(base + "/khan-cap");
    await author.locator(".card.live", { hasText: "Báo động ngắn" }).waitFor();
    await until("the board shows it", async () => (await ask(author, "/devices")).some((d) => d.board && d.playing === short.id));
  });
  await step("8 what calls it off can be written while it is on air", async () => {
    await author.getByText(/Soạn lời báo hết/).click();
    must((await author.getByLabel("Lời báo hết khẩn cấp").inputValue()) === "Cảnh báo “Báo động ngắn” không còn hiệu lực.", "nothing to begin with");
    await author.getByLabel("Chữ trên bảng").fill("ĐÃ HẾT BÁO ĐỘNG");
    await look(author, "all-clear-write", [[320, 740], [1280, 900]]);
    await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await author.getByRole("heading", { name: /Nghe thử/ }).waitFor();
    const clear = await ask(author, `/bulletins/${short.bulletin}/all-clear`);
    must(clear.id === idAt(author) && clear.class === "emergency" && clear.board === "ĐÃ HẾT BÁO ĐỘNG" && !clear.options.drill, JSON.stringify(clear));
  });
  await step("8 a drill has another address, another colour, and says so", async () => {
    await author.goto(base + "/dien-tap");
    await author.locator(".mood.drill").waitFor();
    await author.getByText(/DIỄN TẬP: tiếng và chữ/).waitFor();
    must((await author.locator(".mood.alarm").count()) === 0, "it looks like the real thing");
  });

  await step("9 written without a network, sent once when it is back", async () => {
    const title = `Không mạng ${Date.now()}`;
    await author.goto(base + "/soan");
    await author.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    await author.context().setOffline(true);
    try {
      await author.reload();
      await author.getByLabel("Nội dung").fill("Bản tin viết khi mất mạng.");
      await author.getByLabel("Tiêu đề").fill(title);
      await author.getByText(/Đã lưu nháp/).waitFor();
      await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
      await author.getByText(/được giữ trên máy/).waitFor();
      await author.screenshot({ path: join(out, "offline.png") });
      await author.goto(base + "/phat"); // what was read before is read on
      await author.locator(".rows.cards a.row", { hasText: "Họp thôn" }).first().waitFor();
    } finally {
      await author.context().setOffline(false);
    }
    for (let n = 0; ; n++) {
      const found = (await ask(author, "/bulletins")).filter((b) => b.title === title);
      if (found.length === 1) break;
      must(found.length === 0 && n < 100, `${found.length} bulletins`);
      await author.waitForTimeout(300);
    }
    await author.waitForTimeout(1500);
    must((await ask(author, "/bulletins")).filter((b) => b.title === title).length === 1, "sent twice");
  });
  await step("9 the same key is done once", async () => {
    const unit = (await ask(author, "/sessions")).grants[0].unit;
    const body = { unit, class: "normal", title: "Một lần", text: "Một lần.", board: "Một lần", options: { wanted: false } };
    const key = { "Idempotency-Key": "abcdefghijklmnop0123" };
    const a = await send(author, "POST", "/bulletins", body, key);
    const b = await send(author, "POST", "/bulletins", body, key);
    must(a.status === 201 && b.status === 201 && a.body.id === b.body.id && b.replayed === "true", JSON.stringify([a, b]));
    const other = await send(author, "POST", "/airings", { approval: "0".repeat(64), wish: { units: [unit], when: "now" } }, key);
    must(other.status === 422, `the same key for something else: ${other.status}`);
  });

  await step("10 two tabs hear by one stream; the second takes over and misses nothing", async () => {
    const context = await visitor();
    const streams = [];
    context.on("request", (r) => r.url().includes("/api/v1/events") && streams.push(r.url()));
    const one = await context.newPage();
    await logIn(one, people.author);
    const two = await context.newPage();
    await two.goto(base);
    await two.getByRole("heading", { name: "Hôm nay" }).waitFor();
    await two.waitForTimeout(800);
    must(streams.length === 1, `${streams.length} streams for two tabs`);
    const unit = (await ask(two, "/sessions")).grants[0].unit;
    const write = (title) => send(author, "POST", "/bulletins", { unit, class: "normal", title, text: title, board: title, options: { wanted: false } });
    await write("Tin cho cả hai thẻ");
    await one.getByText("Tin cho cả hai thẻ").first().waitFor();
    await two.getByText("Tin cho cả hai thẻ").first().waitFor();
    // Dropped: the leading tab goes, and something happens before the other has taken over.
    await one.close();
    await write("Tin lúc đứt luồng");
    await two.getByText("Tin lúc đứt luồng").first().waitFor();
    must(streams.length === 2 && /since=\d+/.test(streams[1]), `the second stream: ${streams[1]}`);
    await context.close();
  });

  await step("11 ten thousand devices: found without marks, by keyboard, few nodes", async () => {
    const n = 10_000;
    const table = { ids: [], names: [], units: ["xa-binh-an"], unit: Array(n).fill(0), state: [], heard: Array(n).fill(1_790_000_000), flags: Array(n).fill(1), online: n, all: n };
    for (let i = 0; i < n; i++) {
      table.ids.push(`loa-${i}`), table.state.push(i % 50 === 0 ? 2 : 3);
      table.names.push(i === 7321 ? "Loa Nhà văn hoá thôn Đoài Thượng" : `Cụm loa số ${i}`);
    }
    // A page without the service worker, whose requests cannot be answered in its place.
    const context = await visitor({ serviceWorkers: "block", storageState: await author.context().storageState() });
    const page = await context.newPage();
    await page.route("**/api/v1/device-table", (r) => r.fulfill({ json: table }));
    await page.goto(base + "/thiet-bi");
    await page.getByText("10.000 thiết bị").waitFor();
    must((await page.evaluate(() => document.querySelectorAll("*").length)) < 1500, "too many nodes");
    await page.screenshot({ path: join(out, "devices-10000.png") });
    await page.getByLabel("Tìm thiết bị").pressSequentially("nha van hoa doai"); // each letter narrows what was found
    await page.getByText("Loa Nhà văn hoá thôn Đoài Thượng").waitFor();
    must((await page.locator(".virtual li").count()) === 1, "found more than that");
    await page.getByLabel("Tìm thiết bị").fill("");
    await page.locator(".virtual a").first().focus();
    await page.keyboard.press("End");
    await page.waitForFunction(() => document.activeElement?.parentElement?.getAttribute("aria-posinset") === "10000");
    await context.close();
  });

  await step("12 one commune cannot see another by address", async () => {
    const stranger = await open("stranger");
    await logIn(stranger, people.stranger);
    for (const path of [`/phat/${bulletin}`, `/nghe/${bulletin}`, `/soan/${bulletin}`, "/thiet-bi/loa-dong"]) {
      await stranger.goto(base + path);
      await stranger.getByRole("alert").filter({ hasText: /Không/ }).first().waitFor();
    }
    for (const path of [`/bulletins/${bulletin}`, `/bulletins/${bulletin}/reach`, `/bulletins/${bulletin}/reach.xlsx`, `/bulletins/${bulletin}/all-clear`, "/devices/loa-dong", "/devices/loa-dong/photo", "/units/xa-binh-an/map", "/units/xa-binh-an/quiet"]) {
      const r = await send(stranger, "GET", path);
      must(r.status === 404, `${path}: ${r.status}`);
    }
    must((await ask(stranger, "/device-table")).ids.length === 0, "devices of another commune");
    // Where nothing is there yet, every screen says so in words.
    for (const at of routes.filter((r) => !/loa-dong/.test(r))) {
      await stranger.goto(base + at);
      await stranger.waitForFunction(() => document.querySelector("h1") && !document.querySelector("[aria-busy=true]"));
      const said = await stranger.locator("main").innerText();
      must(!/undefined|NaN|null|Invalid|\[object/.test(said), `${at} with nothing to show: ${said.slice(0, 200)}`);
    }
    await stranger.context().close();
  });

  await step("every screen says so when the hub is away, and offers to try again", async () => {
    const context = await visitor({ serviceWorkers: "block", storageState: await admin.context().storageState() });
    const page = await context.newPage();
    let away = true;
    await page.route(/\/api\/v1\/(?!sessions|units$|events)/, (r) => (away ? r.abort() : r.continue()));
    const asksNothing = ["/soan", "/trang", "/tiep-song/moi", "/thiet-bi/them", "/thiet-bi/nhap", "/don-vi"];
    for (const at of routes.filter((r) => !asksNothing.includes(r))) {
      away = true;
      await page.goto(base + at);
      const said = page.getByRole("alert").filter({ hasText: "Không kết nối được với trung tâm." });
      await said.first().waitFor();
      const again = page.getByRole("button", { name: "Thử lại" }).first();
      await again.waitFor();
      away = false;
      // Screens ask again by themselves too: the button may be gone before it is pressed.
      await until(`${at} is there again`, async () => {
        if (await said.count()) await again.click({ timeout: 2000 }).catch(() => {});
        await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
        return !(await said.count());
      });
    }
    await context.close();
  });

  await step("15 hostile texts in every field stay texts", async () => {
    const unit = (await ask(author, "/sessions")).grants[0].unit;
    const made = await send(author, "POST", "/bulletins", { unit, class: "priority", title: hostile, text: "Chữ thường.", board: hostile.slice(0, 120), options: { wanted: false } });
    must(made.status === 201, JSON.stringify(made.body));
    const turned = await send(author, "POST", "/bulletins", { unit, class: "normal", title: "\u202Egnol", text: "Chữ.", board: "x", options: { wanted: false } });
    must(turned.status === 422, "letters that turn the direction of writing were taken");
    await send(author, "POST", "/templates", { unit, name: hostile.slice(0, 90), title: hostile, text: hostile, board: "x", clear_title: hostile, clear_text: hostile, clear_board: "x", own: false, id: "" });
    must((await send(author, "POST", "/relays", { unit, source: hostile, minutes: 5, from: "05:00", to: "06:00" })).status < 500, "who speaks breaks the hub");
    must((await send(author, "POST", "/programmes", { unit, name: hostile, units: [unit], slot: { start: "2030-01-01T05:00:00", minutes: 5 }, items: [{ kind: "bulletin", bulletin }] })).status < 500, "a programme's name breaks the hub");
    must((await send(author, "POST", `/bulletins/${made.body.id}/submit`, { units: [unit], when: "at", start: "2030-01-01T02:00:00", night: true, night_reason: hostile })).status < 500, "a reason breaks the hub");
    const asked = (await ask(approver, "/approvals")).find((r) => r.bulletin.id === made.body.id);
    if (asked) {
      await approver.goto(`${base}/duyet/${asked.id}`);
      await approver.getByRole("heading", { level: 1 }).waitFor();
      must(!(await approver.evaluate(() => "hit" in window || document.documentElement.scrollWidth > innerWidth)), "a script ran, or it sticks out, where it is approved");
      must((await send(approver, "POST", `/approvals/${asked.id}/return`, { reason: hostile })).status < 500, "a reason to return it breaks the hub");
    }
    await send(author, "PUT", "/drafts/thu-nguy-hiem", { title: hostile, content: { title: hostile }, changed: new Date().toISOString() });
    const tree = (await ask(admin, "/units")).filter((u) => u.parent === "xa-binh-an");
    const shape = { type: "Feature", properties: { unit: tree[0].id, name: hostile }, geometry: { type: "Polygon", coordinates: [[[0, 0], [300, 0], [300, 200], [0, 0]]] } };
    must((await send(author, "PUT", "/units/xa-binh-an/map", { geojson: JSON.stringify({ type: "FeatureCollection", features: [shape] }) })).status === 204, "the map was refused");
    must((await send(admin, "POST", "/devices", { id: "loa-nguy-hiem", name: hostile, unit: "xa-binh-an", sound: true, tags: [hostile.slice(0, 30)], registrar_password: people.registrar })).status < 500, "a device's name breaks the hub");
    must((await send(author, "PUT", "/units/xa-binh-an/pronunciations", [{ written: hostile.slice(0, 90), said: hostile.slice(0, 90) }])).status < 500, "a pronunciation breaks the hub");
    must((await send(author, "POST", "/groups", { unit: "xa-binh-an", name: hostile, members: ["xa-binh-an"], accept: true })).status < 500, "a group's name breaks the hub");
    must((await send(admin, "POST", "/units/import", { file: Buffer.from(`id,code,name,kind,parent,valid_from\nthon-nguy-hiem,,"${hostile.replaceAll('"', '""')}",village,xa-binh-an,2025-07-01\n`).toString("base64"), dry: false })).status < 500, "a unit's name breaks the hub");
    must((await send(admin, "POST", "/users", { id: "nguy-hiem", name: hostile, password: "mat khau dai va kho doan", grants: [{ unit: "xa-binh-an", role: "editor" }] })).status === 204, "the person was refused");
    for (const at of [...routes, `/soan/${made.body.id}`, `/nghe/${made.body.id}`, `/gui/${made.body.id}`, `/phat/${made.body.id}`]) {
      const shown = async (page) => {
        await page.goto(base + at);
        await page.waitForFunction(() => document.querySelector("h1") && !document.querySelector("[aria-busy=true]"));
        must(!(await page.evaluate(() => "hit" in window)), `a script ran at ${at}`);
        const sticks = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        must(sticks <= 0, `${sticks} px too wide at ${at}`);
      };
      await Promise.all([admin, author].map(shown));
    }
    for (const path of ["/tren-song", "/kiosk/xa-binh-an", "/dung"]) {
      await admin.goto(base + path);
      must(!(await admin.evaluate(() => "hit" in window)), `a script ran at ${path}`);
    }
  });

  // 13 axe, overflow and sizes, on every screen that the main path has not seen.
  for (const at of ["/lich", "/dang-phat", "/khan-cap", "/dien-tap", "/bang", "/kho", "/tiep-song", "/tiep-song/moi", "/canh-bao", "/trang"]) {
    await author.goto(base + at);
    await author.getByRole("heading", { level: 1 }).waitFor();
    await look(author, "screen" + at.replaceAll("/", "-"));
    if (at !== "/lich") continue;
    await author.getByRole("button", { name: "Tuần", exact: true }).click();
    await look(author, "screen-week", [[1280, 800]]);
  }
  for (const at of ["/thiet-bi", "/thiet-bi/loa-dong", "/thiet-bi/them", "/thiet-bi/nhap", "/nguoi-dung", "/nhat-ky", "/cai-dat", "/don-vi", "/ban-do"]) {
    await admin.goto(base + at);
    await admin.getByRole("heading", { level: 1 }).waitFor();
    await look(admin, "screen" + at.replaceAll("/", "-"));
  }
  await step("log-in and what is on air without script", async () => {
    const context = await visitor({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(base + "/tren-song");
    await page.getByRole("heading", { name: /Đăng nhập/ }).waitFor();
    for (const password of ["khong phai mat khau nay", people.author.password]) {
      await page.getByLabel("Tên đăng nhập").fill(people.author.user);
      await page.getByLabel("Mật khẩu").fill(password);
      await page.getByRole("button", { name: /Đăng nhập/ }).click();
      if (password !== people.author.password) await page.getByRole("alert").waitFor();
    }
    await page.getByRole("heading", { name: /Đang phát/ }).waitFor();
    must(new URL(page.url()).pathname === "/tren-song", "it leads elsewhere");
    await page.screenshot({ path: join(out, "onair-without-script.png") });
    await page.goto(base + "/kiosk/xa-binh-an");
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.screenshot({ path: join(out, "kiosk.png") });
    await context.close();
  });
  result("others", true);
  // To be called when a minute has passed.
  return () =>
    step("8 the emergency of one minute is over by itself", async () => {
      await until("its end", () => Date.now() > Date.parse(short.last));
      await author.goto(base + "/khan-cap");
      await author.getByRole("heading", { level: 1 }).waitFor();
      await author.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
      must((await author.locator(".card.live", { hasText: "Báo động ngắn" }).count()) === 0, "said to be in force");
      must(!(await ask(author, "/devices")).some((d) => d.playing === short.id), "it is still played");
      must(!(await ask(author, "/airings")).find((a) => a.id === short.id)?.on_air, "it counts as on air");
    });
}
