// The work at a desk: a week rearranged, programmes (groups of communes: group.mjs), what is
// used again, a commune's settings.
import { join } from "node:path";
import { ask, base, call, must, out, step, until } from "./lib.mjs";
import { approved, made, square } from "./rules.mjs";

const plus = (day, n) => new Date(Date.parse(day + "T12:00:00Z") + n * 86_400_000).toISOString().slice(0, 10);

/** twoDays are the next two of one week that both lie ahead. */
function twoDays() {
  const tomorrow = new Date(Date.now() + 31 * 3600_000);
  const first = tomorrow.toISOString().slice(0, 10);
  const day = tomorrow.getUTCDay() === 0 ? plus(first, 1) : first;
  return [day, plus(day, 1)];
}

export async function desk({ author, approver, admin }) {
  let id = "";
  const [day, next] = twoDays();
  const starts = async () => (await ask(author, "/airings")).filter((a) => a.bulletin === id && !a.withdrawn).map((a) => a.start.slice(0, 16));
  await step("a bulletin is dragged to another day of those approved, and back by one tap; beyond them it says what to do", async () => {
    id = await made(author, { title: "Phun thuốc muỗi", text: "Mai phun thuốc muỗi.", options: { wanted: true } });
    await author.goto(`${base}/gui/${id}`);
    await author.getByLabel("Ngày", { exact: true }).fill(day);
    await author.getByLabel("Giờ", { exact: true }).fill("17:00");
    await author.getByText(/Cho phép dời sang ngày khác/).click();
    await author.getByText(/Sẽ phát trên/).waitFor();
    const [sent] = await Promise.all([author.waitForRequest((r) => r.url().endsWith("/submit")), author.getByRole("button", { name: "Gửi duyệt" }).click()]);
    await author.getByText("Đã gửi duyệt.").waitFor();
    await approved(author, approver, id, null);
    must(sent.postDataJSON().last_day === plus(day, 6), JSON.stringify(sent.postDataJSON()));
    await author.setViewportSize({ width: 1280, height: 800 });
    await author.goto(base + "/lich");
    const week = (d) => Math.floor((Date.parse(d) / 86_400_000 + 3) / 7);
    if (week(day) !== week(new Date(Date.now() + 7 * 3600_000).toISOString().slice(0, 10))) await author.getByRole("button", { name: "Tuần sau", exact: true }).click();
    const entry = author.locator("li.entry", { hasText: "Phun thuốc muỗi" });
    const column = (d) => author.locator(".week > li").nth((new Date(d + "T12:00:00Z").getUTCDay() + 6) % 7);
    await column(day).locator(entry).waitFor();
    await entry.dragTo(column(next), { targetPosition: { x: 40, y: 60 } });
    await author.getByText("Chuyển “Phun thuốc muỗi” sang").waitFor();
    must((await author.getByLabel("Ngày", { exact: true }).inputValue()) === next, "another day");
    await author.screenshot({ path: join(out, "dragged.png") });
    await author.locator("form").getByRole("button", { name: "Đổi giờ" }).click();
    await author.getByText("Đã đổi giờ.").waitFor();
    must(String(await starts()) === `${next}T17:00`, String(await starts()));
    await column(next).locator(entry).waitFor();
    await author.getByRole("button", { name: "Hoàn tác" }).click();
    await until("it is back on its day", async () => String(await starts()) === `${day}T17:00`);
    await column(day).locator(entry).waitFor();
    must(String(await starts()) === `${day}T17:00`, String(await starts()));
    await entry.getByRole("button", { name: /^Đổi giờ/ }).click();
    await author.getByLabel("Ngày", { exact: true }).fill(plus(day, 8));
    await author.locator("form").getByRole("button", { name: "Đổi giờ" }).click();
    await author.getByText(/nằm ngoài phạm vi đã duyệt/).first().waitFor();
    await author.setViewportSize({ width: 360, height: 740 });
  });
  await step("a programme is put together, foretold, copied to the next week, withdrawn and brought back", async () => {
    await author.goto(base + "/tiep-song/moi");
    await author.getByLabel("Tên chương trình").fill("Chương trình chiều");
    await author.getByLabel("Từ ngày").fill(day);
    await author.getByLabel("Giờ bắt đầu").fill("17:30");
    await author.getByText("Một lần", { exact: true }).click();
    await author.getByLabel("Chọn bản tin đã duyệt").selectOption(id);
    await author.getByRole("button", { name: "Thêm vào chương trình" }).click();
    await author.getByText(/17:30 Phun thuốc muỗi/).waitFor();
    await author.screenshot({ path: join(out, "programme.png"), fullPage: true });
    await author.getByRole("button", { name: "Lưu chương trình" }).click();
    await author.getByText("Đã lưu chương trình.").waitFor();
    const list = async () => (await ask(author, "/programmes")).filter((p) => p.name === "Chương trình chiều" && !p.withdrawn);
    const before = await list();
    must(before.length === 1 && before[0].items[0].bulletin === id, JSON.stringify(before));
    const copied = await call(author, "POST", "/programmes/copy-week", { unit: "xa-binh-an", from: plus(day, -((new Date(day + "T12:00:00Z").getUTCDay() + 6) % 7)), to: plus(day, 7 - ((new Date(day + "T12:00:00Z").getUTCDay() + 6) % 7)) });
    must(copied.status < 300 && (await list()).length === 2, JSON.stringify(copied));
    await author.locator("a.row", { hasText: "Chương trình chiều" }).first().click();
    await author.getByRole("button", { name: "Rút chương trình" }).click();
    await author.getByText("Đã rút chương trình.").waitFor();
    must((await list()).length === 1, "not withdrawn");
    await author.getByRole("button", { name: "Hoàn tác" }).click();
    await until("it is back", async () => (await list()).length === 2);
    for (const p of await list()) await call(author, "DELETE", `/programmes/${p.id}`);
    for (const a of await ask(author, "/airings")) if (a.bulletin === id) await call(author, "DELETE", `/airings/${a.id}`);
  });
  await step("what is in the library is found without marks and used again", async () => {
    await author.goto(base + "/kho");
    await author.getByLabel("Tìm trong tiêu đề và nội dung").fill("phun thuoc");
    await author.getByText("1 bản tin", { exact: true }).waitFor();
    await author.getByRole("button", { name: "Dùng lại: Phun thuốc muỗi" }).click();
    await author.waitForFunction(() => document.querySelector("[name=text]")?.value === "Mai phun thuốc muỗi.");
    await author.getByText(/Đã lưu nháp/).waitFor();
    await author.getByRole("button", { name: "Bỏ bản nháp" }).click();
  });
  await step("quiet hours of a village and how the commune says a word are set, a photograph of the place is kept", async () => {
    await admin.goto(base + "/cai-dat");
    const quiet = admin.locator("section", { has: admin.getByRole("heading", { name: "Giờ yên tĩnh", exact: true }) });
    await quiet.getByLabel("Đơn vị").selectOption("thon-moi");
    await quiet.getByText("Đơn vị này theo giờ của cấp trên.").waitFor();
    await quiet.getByRole("button", { name: "Thêm khoảng" }).click();
    await quiet.getByLabel("Đến", { exact: true }).fill("06:00");
    await quiet.getByRole("button", { name: "Lưu giờ yên tĩnh" }).click();
    await admin.getByText("Đã lưu giờ yên tĩnh.").waitFor();
    must((await ask(admin, "/units/thon-moi/quiet"))[0]?.end === "06:00", "not kept");
    await author.goto(base + "/cai-dat");
    const said = author.locator("section", { hasText: "Cách đọc riêng của xã" });
    await said.getByRole("button", { name: "Thêm một dòng" }).click();
    await said.getByLabel("Viết", { exact: true }).last().fill("Kroong");
    await said.getByLabel("Đọc là", { exact: true }).last().fill("cờ rông");
    await said.getByRole("button", { name: "Lưu cách đọc" }).click();
    await author.getByText("Đã lưu cách đọc.").waitFor();
    const read = await call(author, "POST", "/readings", { unit: "xa-binh-an", title: "", text: "Suối Kroong." });
    must(read.body.places.some((p) => p.from === "Kroong" && p.said === "cờ rông"), JSON.stringify(read.body));
    await admin.goto(base + "/thiet-bi/loa-dong");
    await admin.getByLabel("Chụp hoặc chọn ảnh").setInputFiles({ name: "cot.png", mimeType: "image/png", buffer: square(64) });
    await admin.getByText("Đã lưu ảnh.").waitFor();
    await until("the photograph is shown", () => admin.locator("img.photo").evaluate((i) => i.naturalWidth > 0));
  });
}
