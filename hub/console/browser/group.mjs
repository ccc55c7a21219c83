// A programme for a group of communes, against a real hub: an operator above names the
// group and makes the programme, one commune accepts in advance and the other declines,
// and it sounds where it was accepted alone.
import { join } from "node:path";
import { ask, base, browser, call, failures, logIn, look, must, open, out, pages, people, result, step, until } from "./lib.mjs";
import { made } from "./rules.mjs";

const { password } = people.approver;
const operator = await open("operator");
const leader = await open("leader");
const accepts = await open("accepts");
const declines = await open("declines");
const outsider = await open("outsider");

const zone = "Asia/Ho_Chi_Minh";
/** local is an instant as the hub's forms have it: 2026-12-01T17:00. */
const local = (t) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" }).format(t).replace(" ", "T");

/** status is how the hub answers a page's person who asks for something. */
const status = (page, path) => page.evaluate(async (p) => (await fetch("/api/v1" + p)).status, path);

let bulletin = "";
let ok = await step("a bulletin of the province is submitted for programmes only, and approved", async () => {
  await Promise.all([logIn(operator, { user: "van-hanh", password }), logIn(leader, { user: "duyet-tinh", password }), logIn(accepts, { user: "soan", password }), logIn(declines, { user: "soan-phu-le", password }), logIn(outsider, { user: "soan-ngoai", password })]);
  bulletin = await made(operator, { title: "Mùa lũ trên sông", text: "Mời bà con ven sông theo dõi mực nước.", board: "Theo dõi mực nước", options: { wanted: true } });
  await operator.goto(`${base}/gui/${bulletin}`);
  await operator.getByText("Chỉ trong các chương trình", { exact: true }).click();
  await operator.getByText(/Sẽ phát trên 2 loa .* trong các chương trình dùng bản tin này/).waitFor();
  await operator.getByRole("button", { name: "Gửi duyệt" }).click();
  await operator.getByText("Đã gửi duyệt.").waitFor();
  await leader.goto(base + "/duyet");
  await leader.locator("main a.row").first().click();
  await leader.getByRole("button", { name: "Duyệt", exact: true }).click();
  await leader.getByLabel("Mật khẩu của anh/chị, để ký").fill(password);
  await leader.getByRole("button", { name: "Ký duyệt" }).click();
  await until("it is approved", async () => (await ask(operator, `/bulletins/${bulletin}`)).state === "approved");
  must((await ask(operator, "/airings")).length === 0, "it is aired by itself");
});

let id = "";
let start = new Date();
if (ok) {
  ok = await step("an operator names a group and makes a programme for it", async () => {
    await operator.goto(base + "/tiep-song");
    await operator.locator("summary", { hasText: "Thêm nhóm xã" }).click();
    await operator.getByLabel("Nhóm", { exact: true }).fill("Cụm xã ven sông");
    for (const c of ["Xã Bình An (mẫu)", "Xã Phú Lễ (mẫu)"]) await operator.getByText(c, { exact: true }).click();
    await operator.getByRole("button", { name: "Lưu nhóm" }).click();
    await operator.getByText("Đã lưu nhóm.").waitFor();
    await operator.getByRole("link", { name: "Thêm chương trình" }).click();
    start = new Date(Math.ceil((Date.now() + 75_000) / 60_000) * 60_000);
    const at = local(start);
    await operator.getByLabel("Tên chương trình").fill("Bản tin ven sông");
    await operator.getByLabel("Phát ở").selectOption({ label: "Cụm xã ven sông" });
    await operator.getByLabel("Từ ngày").fill(at.slice(0, 10));
    await operator.getByLabel("Giờ bắt đầu").fill(at.slice(11));
    await operator.getByText("Một lần", { exact: true }).click();
    must((await operator.getByLabel("Hạn trả lời").inputValue()) === at, "the time to answer does not end with the start");
    await operator.getByLabel("Chọn bản tin đã duyệt").selectOption(bulletin);
    await operator.getByRole("button", { name: "Thêm vào chương trình" }).click();
    await operator.getByText(/\d\d:\d\d Mùa lũ trên sông/).waitFor();
    await operator.screenshot({ path: join(out, "group-programme.png"), fullPage: true });
    await operator.getByRole("button", { name: "Lưu chương trình" }).click();
    await operator.getByText("Đã lưu chương trình.").waitFor();
    id = (await ask(operator, "/programmes")).find((p) => p.name === "Bản tin ven sông").id;
  });
}
if (ok) {
  ok = await step("it stands on each commune's first screen, one accepts, one declines and may not answer for the other", async () => {
    for (const [page, verb, said] of [[accepts, "Nhận", "Xã Bình An (mẫu) đã nhận chương trình này."], [declines, "Từ chối", "Xã Phú Lễ (mẫu) đã từ chối chương trình này."]]) {
      const row = page.locator("a.row", { hasText: "Bản tin ven sông" }); // came by the stream
      await row.getByText("Chờ xã trả lời").waitFor();
      await row.getByText(/^Tỉnh Mẫu, \d\d:\d\d /).waitFor();
      await row.click();
      await page.getByText("Bản tin: Mùa lũ trên sông").waitFor();
      // It is heard and seen before it is answered, though it is the province's.
      await page.locator("summary", { hasText: "Nghe thử, xem trên bảng" }).click();
      await page.getByRole("img", { name: /Trang 1\// }).first().waitFor();
      await page.waitForFunction(() => document.querySelector("audio")?.duration > 1);
      await page.getByRole("button", { name: "Nghe", exact: true }).click();
      await page.waitForFunction(() => document.querySelector("audio").currentTime > 0.2);
      await page.getByText(/^Nếu nhận, chương trình phát ở Xã .* từ \d\d:\d\d /).waitFor();
      const names = await page.locator("main").innerText();
      must(/Xã Bình An \(mẫu\)/.test(names) && /Xã Phú Lễ \(mẫu\)/.test(names) && !/xa-|tinh-/.test(names), `codes for names: ${names.match(/\S*(xa-|tinh-)\S*/)?.[0]}`);
      await page.getByRole("button", { name: verb, exact: true }).click();
      await page.getByText(said).waitFor();
      must((await page.getByRole("button", { name: /^(Lưu|Rút) chương trình$/ }).count()) === 0, "another's programme can be changed");
    }
    // What was asked of them is all they hear and see, and nobody else does.
    const unasked = await made(operator, { title: "Việc khác", text: "Chưa hỏi xã nào.", board: "Việc khác", options: { wanted: true } });
    for (const [page, who, b, want] of [[accepts, "who is asked", bulletin, 200], [accepts, "who is asked, of another bulletin", unasked, 404], [outsider, "a commune not invited", bulletin, 404]]) {
      for (const part of ["sound", "pages"]) must((await status(page, `/bulletins/${b}/${part}`)) === want, `${part} for ${who}`);
      must((await status(page, `/bulletins/${b}`)) === 404, `the bulletin itself for ${who}`);
    }
    const other = await call(declines, "PUT", `/programmes/${id}/answers/xa-binh-an`, { accept: false });
    must(other.status === 403 || other.status === 404, `answered for another commune: ${other.status}`);
    // The operator, who answers for nobody, sees both answers.
    await operator.locator("a.row", { hasText: "Bản tin ven sông" }).click();
    for (const [unit, word] of [["Xã Bình An (mẫu)", "nhận"], ["Xã Phú Lễ (mẫu)", "từ chối"]]) await operator.locator("li.row", { hasText: unit }).locator(".tag", { hasText: new RegExp(`^${word}$`) }).waitFor();
    await operator.locator("li.row", { hasText: "Xã Phú Lễ (mẫu)" }).getByText(/^Hoàng Thị Lễ, /).waitFor(); // by name
    must((await operator.getByRole("button", { name: "Nhận", exact: true }).count()) === 0, "the operator may answer");
  });
}
if (ok) {
  await look(accepts, "group-answer", [[360, 740]]);
  await look(operator, "group", [[360, 740]]);
  await step("it sounds in the commune that accepted, and in no other", async () => {
    const reach = () => ask(operator, `/bulletins/${bulletin}/reach`);
    await new Promise((r) => setTimeout(r, Math.max(0, start - Date.now())));
    await until("it is played", async () => (await reach()).played > 0);
    const r = await reach();
    const room = 3000; // for an opening chime
    must(r.expected === 1 && r.lines.length === 1 && r.lines[0].device === "loa-dong" && Date.parse(r.lines[0].start) - start === room, JSON.stringify(r.lines));
  });
}
for (const [who, p] of Object.entries(pages)) result(`no error in the console of the ${who}`, p.wrong.length === 0, p.wrong.slice(0, 5).join(" | "));
await browser.close();
console.log(failures === 0 ? "PASS" : `FAIL ${failures}`);
process.exit(failures === 0 ? 0 : 1);
