// Boards, devices and the record: brightness by the hour, what was seen, devices from
// a sheet, installation by stick, the check of the record.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, base, call, look, must, out, people, step, until } from "./lib.mjs";
import { square } from "./rules.mjs";

export async function machines({ author, admin, bulletin }) {
  await step("a board's brightness by the hour is set, and the board says that it keeps it", async () => {
    await author.goto(base + "/bang");
    const card = author.locator("section", { hasText: "Độ sáng bảng theo giờ" }).last();
    await card.getByRole("button", { name: "Thêm khoảng giờ" }).click();
    await card.getByLabel("Từ", { exact: true }).selectOption("0");
    await card.getByLabel("Đến", { exact: true }).selectOption("0");
    await card.getByLabel("Tối đa, %").fill("35");
    await card.getByRole("button", { name: "Lưu" }).click();
    await author.getByText("Đã lưu độ sáng theo giờ.").waitFor();
    await author.getByText(/độ sáng 35\s%/).first().waitFor();
    await author.screenshot({ path: join(out, "boards.png"), fullPage: true });
    await card.getByRole("button", { name: /^Bỏ khoảng/ }).click();
    await card.getByRole("button", { name: "Lưu" }).click();
    await until("it is as bright as before", async () => (await ask(author, "/devices?boards=true")).every((d) => d.light === 100));
  });
  await step("a board was seen: told with a picture, shown where the result is", async () => {
    const line = (await ask(author, `/bulletins/${bulletin}/reach`)).lines.find((l) => l.medium === "board" && l.outcome === "played");
    await author.goto(base + `/phat/${bulletin}`);
    const row = author.locator("li.line", { hasText: "Xác nhận đã thấy bảng hiện" }).last();
    await row.locator("summary").click();
    await row.getByLabel("Ảnh bảng đang hiện").setInputFiles({ name: "bang.png", mimeType: "image/png", buffer: square(64) });
    const at = await author.evaluate((iso) => new Date(Date.parse(iso) + 1000 + 7 * 3600_000).toISOString().slice(0, 19), line.began);
    await row.getByLabel("Lúc nhìn thấy").fill(at);
    await row.getByRole("button", { name: "Lưu xác nhận" }).click();
    await author.getByText("Đã lưu xác nhận.").waitFor();
    await author.getByText(/Nhìn thấy trong ảnh chụp/).first().waitFor();
    must((await author.getByRole("link", { name: "Xem ảnh" }).count()) > 0, "the picture cannot be seen");
    const seen = (await ask(author, `/bulletins/${bulletin}/reach`)).lines.find((l) => l.airing === line.airing && l.medium === "board");
    must(seen.proof === "seen" && seen.seen === "photo" && seen.seen_by === people.author.user, JSON.stringify(seen));
    await look(author, "aired-seen", [[360, 740]]);
  });
  await step("devices from a sheet: tried first, taken in whole, with their claims", async () => {
    await admin.goto(base + "/thiet-bi/nhap");
    const sheet = "id,name,unit,sound,board,serves,tags\nloa-nhap-1,Loa nhập một,thon-dong,có,,thon-dong=0.5,\nbang-nhap,Bảng nhập,xa-binh-an,không,192x32x16,,\n";
    const file = { name: "thiet-bi.csv", mimeType: "text/csv" };
    await admin.getByLabel("Tệp CSV hoặc XLSX").setInputFiles({ ...file, buffer: Buffer.from(sheet + "loa-nhap-1,Hai lần,thon-dong,có,,,\n") });
    await admin.getByRole("button", { name: "Xem thử" }).click();
    await admin.getByRole("alert").filter({ hasText: /Dòng 4/ }).first().waitFor();
    await admin.getByLabel("Tệp CSV hoặc XLSX").setInputFiles({ ...file, buffer: Buffer.from(sheet) });
    await admin.getByRole("button", { name: "Xem thử" }).click();
    await admin.getByText(/sẽ thêm 2 thiết bị/).waitFor();
    must((await call(admin, "GET", "/devices/loa-nhap-1")).status === 404, "trying it added something");
    await admin.getByText("Tạo luôn mã ghi danh").click();
    await admin.getByLabel("Mật khẩu của người giữ sổ").fill(people.registrar);
    await look(admin, "device-sheet", [[360, 740]]);
    await admin.getByRole("button", { name: "Thêm 2 thiết bị" }).click();
    await admin.getByText("Đã thêm 2 thiết bị.").waitFor();
    must((await admin.locator(".code").allInnerTexts()).filter((c) => c.startsWith("loa1.")).length === 2, "no claims");
    await call(admin, "DELETE", "/devices/bang-nhap");
  });
  await step("installation by stick: the file is there, another's request is refused", async () => {
    await admin.goto(base + "/thiet-bi/loa-nhap-1");
    await admin.locator("summary", { hasText: "USB" }).click();
    const [got] = await Promise.all([admin.waitForEvent("download"), admin.getByRole("button", { name: "Ghi tệp lắp đặt" }).click()]);
    const stick = JSON.parse(readFileSync(await got.path(), "utf8"));
    must(got.suggestedFilename() === "loa-nhap-1.loa.json" && stick.installation.claim.startsWith("loa1.") && stick.installation.name === "Loa nhập một", JSON.stringify(Object.keys(stick)));
    await admin.getByLabel("Tệp thiết bị đã ghi").setInputFiles({ name: "x.request.loa.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(stick)) });
    await admin.getByRole("button", { name: "Ghi tệp trả lời" }).click();
    await admin.getByRole("alert").filter({ hasText: /không phải tệp mà thiết bị đã ghi/ }).first().waitFor();
    await look(admin, "stick", [[360, 740]]);
    await call(admin, "DELETE", "/devices/loa-nhap-1");
  });
  await step("the record in words, filtered, and checked", async () => {
    await admin.goto(base + "/nhat-ky");
    await admin.locator("summary", { hasText: "Lọc" }).click();
    await admin.getByLabel("Việc").selectOption({ label: "Xác nhận bảng đã hiện" });
    await admin.locator(".rows.cards b", { hasText: "Xác nhận bảng đã hiện" }).first().waitFor();
    await admin.waitForFunction(() => [...document.querySelectorAll(".rows.cards b")].every((b) => b.textContent === "Xác nhận bảng đã hiện"));
    await admin.getByRole("button", { name: "Kiểm tra cả sổ" }).click();
    await admin.getByText(/Sổ nguyên vẹn: \d/).waitFor();
    await admin.screenshot({ path: join(out, "record-checked.png") });
    await admin.getByLabel("Việc").selectOption("");
    await admin.locator(".rows.cards li").nth(20).waitFor();
    const words = await admin.locator(".rows.cards b").allInnerTexts();
    const named = new Set((await ask(admin, "/records?limit=200")).records.flatMap((r) => [...(r.before ?? []), ...(r.after ?? [])]).map((f) => f.name).filter((n) => !n.includes("/")));
    const fields = /const fields[^{]*{(.*?)\n};/s.exec(readFileSync(new URL("../src/acts.ts", import.meta.url), "utf8"))[1];
    const strange = [...named].filter((n) => !new RegExp(`[\\s{]"?${n}"?: "`).test(fields));
    must(named.size > 10 && strange.length === 0, `without a word of ours: ${strange}`);
    must(!words.some((x) => /^[a-z -]+$/i.test(x)), `not in Vietnamese: ${words.filter((x) => /^[a-z -]+$/i.test(x)).slice(0, 5)}`);
  });
  await step("a village is renamed, and what was thrown away comes back", async () => {
    await admin.goto(base + "/don-vi");
    await admin.getByLabel("Tìm xã, thôn").fill("thon moi mo");
    await admin.locator("summary", { hasText: "Thôn Mới Mở" }).click();
    const form = admin.locator(".plainfold[open]");
    await form.getByLabel("Tên", { exact: true }).fill("Thôn Mới");
    await form.getByRole("button", { name: "Lưu" }).click();
    await admin.getByText("Đã lưu.").waitFor();
    must((await ask(admin, "/units")).find((u) => u.id === "thon-moi").name === "Thôn Mới", "not renamed");
    await author.goto(base + "/soan");
    await author.getByText("Đọc từ chữ", { exact: true }).click();
    await author.getByLabel("Tiêu đề").fill("Bỏ nhầm");
    await author.getByLabel("Nội dung", { exact: true }).fill("UBND xã họp lúc 17h30.");
    await author.getByText("Giọng đọc sẽ nói khác chữ viết").waitFor();
    await author.getByText(/Đã lưu nháp/).waitFor();
    await author.getByRole("button", { name: "Bỏ bản nháp" }).click();
    await author.getByRole("button", { name: "Hoàn tác" }).click();
    await author.waitForFunction(() => document.querySelector("[name=title]")?.value === "Bỏ nhầm");
    await author.getByText(/Đã lưu nháp/).waitFor();
    await author.getByRole("button", { name: "Bỏ bản nháp" }).click();
  });
}
