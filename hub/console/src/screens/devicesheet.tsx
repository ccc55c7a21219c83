// Many devices at once, from a spreadsheet: tried first, then taken in whole.
import { useSignal } from "@preact/signals";
import { call } from "../call";
import type { DeviceImportBody } from "../api";
import { FileField } from "../filefield";
import { base64, save } from "../files";
import { dictionary, notice, touch, trouble, unitName, w } from "../state";
import { number } from "../time";
import { Card, Check, Field, Foot, Note, Say, Tag, Title, useBusy } from "../ui";

const t = dictionary(
  {
    title: "Nhập thiết bị từ bảng tính", note: "Mỗi dòng một thiết bị; các cột là id, name, unit (mã đơn vị), sound (có/không), board (RỘNGxCAOxDÒNG), serves (thôn=phần dân), tags. Luôn xem thử trước; một dòng sai thì không dòng nào được thêm.", sample: "Tải tệp mẫu", file: "Tệp CSV hoặc XLSX", look: "Xem thử", put: (n: string) => `Thêm ${n} thiết bị`,
    report: (n: string) => `Tệp đúng: sẽ thêm ${n} thiết bị. Chưa thêm gì.`, first: "Những dòng đầu", claims: "Tạo luôn mã ghi danh cho từng máy", claimsHint: "Mỗi mã dùng một lần và chỉ hiện lần này; đưa cho đúng kỹ thuật viên. Tối đa 500 máy.", registrar: "Mật khẩu của người giữ sổ", registrarHint: "Nơi đặt của từng máy được ký.", done: (n: string) => `Đã thêm ${n} thiết bị.`, codes: "Mã ghi danh", saveCodes: "Tải mã ghi danh (CSV)", noSound: "không loa",
  },
  {
    title: "Devices from a spreadsheet", note: "One device a line; the columns are id, name, unit (its code or id), sound (yes/no), board (WIDTHxHEIGHTxROW), serves (village=share), tags. Always try it first; with one wrong line none is added.", sample: "Get a sample", file: "CSV or XLSX file", look: "Try it", put: (n: string) => `Add ${n} devices`,
    report: (n: string) => `The file is right: ${n} devices will be added. Nothing was added yet.`, first: "The first lines", claims: "Make a claim for each device", claimsHint: "Each is for one use and shown this once; give it to the right technician. At most 500.", registrar: "The registrar's password", registrarHint: "Each device's place is signed.", done: (n: string) => `${n} devices added.`, codes: "Claims", saveCodes: "Get the claims (CSV)", noSound: "no loudspeaker",
  },
);

const sample = "id,name,unit,sound,board,serves,tags\nloa-nha-van-hoa,Nhà văn hoá thôn Đông,thon-dong,có,,thon-dong=1,\nbang-uy-ban,Bảng trước uỷ ban,99001,không,192x32x16,,trung-tam\n";

export function DeviceSheet() {
  const file = useSignal<File | null>(null);
  const seen = useSignal<DeviceImportBody | null>(null);
  const done = useSignal<DeviceImportBody | null>(null);
  const claims = useSignal(false);
  const registrar = useSignal("");
  const [busy, run] = useBusy();
  const send = (dry: boolean) =>
    run(async () => {
      if (!file.value) return;
      const got = await call<DeviceImportBody>("POST", "/devices/import", {
        file: await base64(file.value), dry, ...(dry ? {} : { claims: claims.value, registrar_password: registrar.value }),
      });
      if (dry) return void (seen.value = got);
      registrar.value = "";
      seen.value = null;
      done.value = got;
      notice.value = t().done(number(got.added));
      touch("device");
    });
  const s = seen.value ?? done.value;
  const csv = () => save("ma-ghi-danh.csv", new Blob(["id,claim\n" + (done.value?.lines ?? []).map((l) => `${l.id},${l.claim}\n`).join("")], { type: "text/csv" }));
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        void send(seen.value === null);
      }}
    >
      <Title back="/thiet-bi">{t().title}</Title>
      <p>{t().note}</p>
      <button type="button" class="second" onClick={() => save("thiet-bi.csv", new Blob(["\ufeff" + sample], { type: "text/csv" }))}>
        {t().sample}
      </button>
      <FileField
        label={t().file}
        accept=".csv,.xlsx"
        onFile={(f) => {
          file.value = f ?? null;
          seen.value = done.value = null;
        }}
      />
      {seen.value && <Note tone="good">{t().report(number(seen.value.added))}</Note>}
      {s && (
        <Card title={done.value && claims.value ? t().codes : t().first}>
          {done.value && claims.value && (
            <button type="button" class="second" onClick={csv}>
              {t().saveCodes}
            </button>
          )}
          <ul class="rows">
            {s.lines.map((l) => (
              <li key={l.id} class="row">
                <b>{l.name}</b>
                <Tag>{l.sound ? w().sound : t().noSound}</Tag>
                {l.board && <Tag>{`${w().board} ${l.board.width}×${l.board.height}`}</Tag>}
                <span class="quiet">
                  {l.id} · {unitName(l.unit)}
                </span>
                {l.claim && <span class="code">{l.claim}</span>}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {seen.value && (
        <>
          <Check label={t().claims} hint={t().claimsHint} checked={claims.value} onPick={(v) => (claims.value = v)} />
          <Field label={t().registrar} hint={t().registrarHint}>
            {(f, h) => <input id={f} aria-describedby={h} type="password" autocomplete="off" required value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}
          </Field>
        </>
      )}
      <Foot>
        <Say refusal={trouble.value} />
        <button type="submit" class="button wide" disabled={!file.value || done.value !== null} aria-disabled={busy}>
          {seen.value ? t().put(number(seen.value.added)) : t().look}
        </button>
      </Foot>
    </form>
  );
}
