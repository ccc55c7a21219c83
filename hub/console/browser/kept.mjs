// Nothing that somebody writes is lost: two who edit one bulletin, a log-in that ends,
// a network that goes while something is recorded, a telephone that sleeps in a count-down.
import { join } from "node:path";
import { ask, base, call, idAt, must, out, people, step, until, visitor } from "./lib.mjs";
import { made } from "./rules.mjs";

/** alike opens a page of its own for somebody who is logged in, without the service worker. */
async function alike(page) {
  const context = await visitor({ serviceWorkers: "block", storageState: { ...(await page.context().storageState()), origins: [] } });
  return context.newPage();
}

async function logInAgain(page, who = people.author) {
  await page.getByText("Phiên đăng nhập đã hết").waitFor();
  must((await page.getByLabel("Tên đăng nhập").inputValue()) === people.author.user, "the name is asked for again");
  if (who !== people.author) await page.getByLabel("Tên đăng nhập").fill(who.user);
  await page.getByLabel("Mật khẩu").fill(who.password);
  await page.getByRole("button", { name: "Đăng nhập" }).click();
}

export async function kept({ author, approver }) {
  await step("two edit one bulletin: nobody writes over the other, who comes second chooses", async () => {
    const id = await made(author, { title: "Hai người sửa", text: "Họp lúc 19h30.", options: { wanted: true } });
    const second = await alike(author);
    const text = (page) => page.getByLabel("Nội dung", { exact: true });
    const save = (page) => page.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    for (const page of [author, second]) await page.goto(`${base}/soan/${id}`);
    await text(author).fill("Họp lúc 20h00.");
    await text(second).fill("Họp lúc 18h00.");
    await save(author);
    await author.getByRole("heading", { name: /Nghe thử/ }).waitFor();
    await save(second);
    await second.getByText("Bản tin này vừa được người khác sửa").waitFor();
    await second.screenshot({ path: join(out, "edited-meanwhile.png"), fullPage: true });
    must((await ask(author, `/bulletins/${id}`)).text === "Họp lúc 20h00.", "the first edit is gone");
    await second.getByRole("button", { name: "Lấy bản của người kia" }).click();
    await second.waitForFunction(() => document.querySelector("[name=text]").value === "Họp lúc 20h00.");
    await second.getByRole("button", { name: "Hoàn tác" }).click();
    await second.waitForFunction(() => document.querySelector("[name=text]").value === "Họp lúc 18h00.");
    await save(second);
    await second.getByRole("heading", { name: /Nghe thử/ }).waitFor();
    must((await ask(author, `/bulletins/${id}`)).text === "Họp lúc 18h00.", "what was kept is not saved");
    await second.context().close();
  });
  await step("a log-in that ends in the middle of a form: the form is there when it is back", async () => {
    const id = await made(author, { title: "Phiên hết", text: "Họp lúc 19h30.", options: { wanted: true } });
    const page = await alike(author);
    await page.goto(`${base}/gui/${id}`);
    const reason = page.getByLabel("Lý do phát trong giờ yên tĩnh");
    await page.getByLabel("Giờ", { exact: true }).fill("18:00");
    await page.getByText(/Sẽ phát trên .* 18:00/).waitFor();
    await page.getByText("Xin phép phát trong giờ yên tĩnh").click();
    const asked = page.waitForResponse((r) => r.url().endsWith("/preview") && r.request().postData().includes("trong đêm"));
    await reason.fill("Nước sông lên nhanh trong đêm");
    await asked;
    await page.context().clearCookies();
    await page.getByRole("button", { name: "Gửi duyệt" }).click();
    await logInAgain(page);
    await reason.waitFor();
    must((await reason.inputValue()) === "Nước sông lên nhanh trong đêm", "what was written is gone");
    must((await page.getByLabel("Giờ", { exact: true }).inputValue()) === "18:00", "what was chosen is gone");
    await page.context().close();
  });
  await step("a tab that closes before a bulletin is sent: where and when are there again, for the one who chose them", async () => {
    const id = await made(author, { title: "Chọn dở", text: "Họp lúc 19h30.", options: { wanted: true } });
    const page = await alike(author);
    await page.goto(`${base}/gui/${id}`);
    await page.getByText("Lặp lại", { exact: true }).click();
    await page.getByLabel("Giờ", { exact: true }).fill("06:15");
    await page.getByText(/Sẽ phát trên .*06:15/).waitFor();
    const tab = await page.context().newPage();
    await page.close();
    await tab.goto(`${base}/gui/${id}`);
    await tab.getByText(/Sẽ phát trên .*06:15/).waitFor();
    must((await tab.getByLabel("Lặp lại", { exact: true }).isChecked()) && (await tab.getByLabel("Giờ", { exact: true }).inputValue()) === "06:15", "what was chosen is gone");
    await tab.context().clearCookies();
    await tab.goto(base + "/");
    await tab.getByLabel("Tên đăng nhập").fill(people.second.user);
    await tab.getByLabel("Mật khẩu").fill(people.second.password);
    await tab.getByRole("button", { name: "Đăng nhập" }).click();
    await tab.getByRole("heading", { level: 1, name: "Hôm nay" }).waitFor();
    await tab.goto(`${base}/gui/${id}`);
    await tab.getByLabel("Giờ", { exact: true }).waitFor();
    must((await tab.getByLabel("Giờ", { exact: true }).inputValue()) !== "06:15", "somebody else sees what was chosen");
    await tab.context().close();
  });
  await step("somebody else who logs in there begins anew: they see nothing of it", async () => {
    const page = await alike(author);
    await page.goto(`${base}/soan/${await made(author, { title: "Của người trước", text: "Họp lúc 19h30.", options: { wanted: true } })}`);
    await page.getByLabel("Nội dung", { exact: true }).fill("Chữ chưa gửi của người trước.");
    await page.context().clearCookies();
    await page.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await logInAgain(page, people.second);
    await page.getByRole("heading", { level: 1, name: "Hôm nay" }).waitFor();
    must(new URL(page.url()).pathname === "/", page.url());
    must((await page.locator("[name=text]").count()) === 0, "the form of the one before is still there");
    await page.context().close();
  });
  await step("no network in the middle of a recording: it waits on the telephone, and goes by itself", async () => {
    const page = await alike(author);
    await page.goto(base + "/soan");
    await page.getByText("Ghi âm", { exact: true }).first().click();
    await page.getByRole("button", { name: "Ghi âm" }).click();
    await page.getByText(/Đang ghi: 2 giây/).waitFor();
    await page.context().setOffline(true);
    await page.getByText(/Đang ghi: 5 giây/).waitFor();
    await page.getByRole("button", { name: "Dừng ghi" }).click();
    await page.getByText(/bản ghi nằm an toàn/).waitFor();
    // Words beside a recording are not read out in its place.
    await page.getByLabel(/Bản ghi nói gì/).fill("Chữ kèm bản ghi.");
    await page.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await page.getByText(/Chưa có bản ghi ở trung tâm/).first().waitFor();
    await page.context().setOffline(false);
    await page.getByText(/bản ghi nằm an toàn/).waitFor({ state: "detached" });
    await page.getByText(/Đã ghi \d/).waitFor();
    await page.getByRole("button", { name: "Tạo tiếng và nghe thử" }).click();
    await page.getByRole("heading", { name: /Nghe thử/ }).waitFor();
    await until("its sound", async () => (await ask(page, `/bulletins/${idAt(page)}`)).state === "ready");
    const b = await ask(page, `/bulletins/${idAt(page)}`);
    must(b.origin === "sound" && b.length_ms > 4500, `${b.origin}, ${b.length_ms} ms`);
    await page.context().close();
  });
  await step("a telephone that sleeps in a count-down: it calls itself off", async () => {
    const id = await made(author, { title: "Đếm ngược", text: "Họp lúc 19h30.", options: { wanted: true } });
    const sent = await call(author, "POST", `/bulletins/${id}/submit`, { units: [(await ask(author, "/sessions")).grants[0].unit], when: "now" });
    must(sent.status < 300, JSON.stringify(sent.body));
    await approver.goto(`${base}/duyet/${(await ask(approver, "/approvals")).find((r) => r.bulletin.id === id).id}`);
    await approver.getByRole("button", { name: "Duyệt", exact: true }).click();
    await approver.getByLabel("Mật khẩu của anh/chị, để ký").fill(people.approver.password);
    await approver.getByRole("button", { name: "Ký và phát ngay" }).click();
    await approver.getByText(/Phát ngay sau/).waitFor();
    await approver.clock.fastForward(60_000);
    await approver.getByText(/Máy đã tắt màn hình giữa lúc đếm ngược/).waitFor();
    must((await ask(author, `/bulletins/${id}`)).state === "submitted", "signed though nobody has seen the seconds");
  });
}
