// A commune of 24 loudspeakers, of which two miss a bulletin. The settings are those of
// flow.mjs; the loudspeakers are loa-01 to loa-24.
//
//   SOUNDS         the folders that loa-07 and loa-19 have in a sound card's place
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, base, browser, env, failures, idAt, listenWhole, logIn, must, open, out, people, step, until, wave } from "./lib.mjs";

const silent = ["loa-07", "loa-19"];

await step("2 played on 24 agents: đã phát 22/24, and sent again to the two that missed it", async () => {
  const author = await open("author");
  const approver = await open("approver");
  await logIn(author, people.author);
  await logIn(approver, people.approver);
  await approver.clock.install();
  await until("all are connected", async () => (await ask(author, "/devices")).filter((d) => d.state === "online").length === 24);
  const cards = env("SOUNDS").split(",");
  for (const card of cards) rmSync(card, { recursive: true, force: true }), writeFileSync(card, "");
  await author.goto(base + "/soan");
  await author.getByText("Tệp ghi âm", { exact: true }).click();
  await author.getByLabel("Tiêu đề").fill("Lịch cắt điện");
  await author.getByLabel("Chọn tệp ghi âm").setInputFiles({ name: "cat-dien.wav", mimeType: "audio/wav", buffer: wave(2) });
  await author.getByText(/Đã tải lên/).waitFor();
  await author.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
  await listenWhole(author);
  const bulletin = idAt(author);
  await author.getByText("Ngay khi được duyệt").click();
  await author.getByText(/Cho phép phát thêm một lần/).click();
  await author.getByText(/Sẽ phát trên 24 loa/).waitFor();
  await author.getByRole("button", { name: "Gửi duyệt" }).click();
  await author.getByText("Đã gửi duyệt.").waitFor();
  await approver.getByText("Chờ anh/chị duyệt").first().click();
  await approver.getByRole("button", { name: "Duyệt", exact: true }).click();
  await approver.getByLabel("Mật khẩu của anh/chị, để ký").fill(people.approver.password);
  await approver.getByRole("button", { name: "Ký và phát ngay" }).click();
  await approver.getByText(/Phát ngay sau/).waitFor();
  await approver.clock.runFor(10_000);
  await author.goto(base + `/phat/${bulletin}`);
  await author.getByText("Đã phát 22/24").waitFor();
  await author.screenshot({ path: join(out, "crowd.png"), fullPage: true });
  const villages = await author.locator("section", { has: author.getByRole("heading", { name: "Theo thôn" }) }).locator("li b").allInnerTexts();
  const reached = villages.filter((v) => v !== "Xóm 7" && v !== "Xóm 19" && v.startsWith("Xóm"));
  must(villages.indexOf("Xóm 7") < villages.indexOf("Xóm 19") && villages.indexOf("Xóm 19") < villages.indexOf("Xóm 1") && reached.indexOf("Xóm 10") > reached.indexOf("Xóm 9"), `who was missed is not first: ${villages}`);
  await author.setViewportSize({ width: 1280, height: 900 });
  await author.screenshot({ path: join(out, "crowd-1280.png") });
  await author.setViewportSize({ width: 360, height: 740 });
  const missing = (await ask(author, `/bulletins/${bulletin}/reach`)).lines.filter((l) => l.outcome !== "played");
  must(missing.length === 2 && missing.every((l) => silent.includes(l.device) && l.reason === "fault"), JSON.stringify(missing));
  for (const card of cards) rmSync(card), mkdirSync(card);
  await author.getByRole("button", { name: /^Phát lại ở Xóm (7, Xóm 19|19, Xóm 7)$/ }).click();
  await author.getByText("Đã gửi lịch phát lại.").waitFor();
  const heard = async () => (await ask(author, `/bulletins/${bulletin}/reach`)).lines.filter((l) => silent.includes(l.device) && l.outcome === "played").length;
  await until("the two have played it", async () => (await heard()) === 2);
  must((await ask(author, `/bulletins/${bulletin}/reach`)).lines.length === 26, "it was sent again to others too");
  await author.getByRole("button", { name: /Phát lại ở/ }).waitFor({ state: "detached" });
});
await browser.close();
process.exit(failures === 0 ? 0 : 1);
