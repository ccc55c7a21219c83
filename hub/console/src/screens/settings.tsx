import { useSignal } from "@preact/signals";
import { call } from "../call";
import { FileField } from "../filefield";
import { base64 } from "../files";
import { Limits } from "../limits";
import { Lines } from "../lines";
import type { ImportBody, QuietBody } from "../api";
import { administers, dictionary, loadUnits, notice, touch, trouble, units, writes } from "../state";
import { number } from "../time";
import { Keys } from "./keys";
import { Password } from "./password";
import { Pronunciations } from "./pronounce";
import { Second } from "./second";
import { Sessions } from "./sessions";
import { Card, Field, Link, Note, Part, Say, Shown, Sub, Tag, Title, UnitField, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Cài đặt", ofUnit: "Của đơn vị", own: "Tài khoản của anh/chị", quiet: "Giờ yên tĩnh", quietNote: "Loa tự giữ giờ này, kể cả khi mất mạng và khi tiếp sóng. Chỉ khẩn cấp thật và bản tin có phép phát đêm mới vang lên.", unit: "Đơn vị", from: "Từ", to: "Đến", addQuiet: "Thêm khoảng", remove: "Bỏ", save: "Lưu giờ yên tĩnh", saved: "Đã lưu giờ yên tĩnh.", inherit: "Đơn vị này theo giờ của cấp trên.",
    units: "Xã, thôn", unitsNote: "Tên, mã, số dân và ngày có hiệu lực của từng đơn vị.", toUnits: "Xem và sửa xã, thôn", map: "Bản đồ của xã", drawMap: "Vẽ bản đồ", import: "Nhập thôn, xã", importNote: "Nhập từ tệp CSV hoặc XLSX (cột id, code, name, kind, parent, valid_from, people, source, counted), hoặc từ cơ sở dữ liệu địa chỉ (address.json). Luôn xem thử trước.", file: "Tệp", below: "Thuộc", all: "Theo như trong tệp", look: "Xem thử", put: "Nhập thật", done: (a: number, c: number) => `Đã nhập: ${a} đơn vị mới, ${c} thay đổi.`,
    report: (a: string, c: string, s: string) => `Sẽ thêm ${a}, thay đổi ${c}, giữ nguyên ${s} đơn vị.`, counted: (n: number) => `Số dân của ${n} thôn sẽ được ký.`, cleaned: (n: number) => `${n} tên đã được chuẩn hoá dấu (NFC).`, dangling: (n: string, m: string) => `${n} ánh xạ xã cũ dẫn tới mã không có trong tệp và bị bỏ; ${m} ánh xạ hợp lệ.`, registrar: "Mật khẩu của người giữ sổ (khi có số dân)", first: "Những dòng đầu", kinds: { province: "tỉnh", commune: "xã", village: "thôn" } as Record<string, string>,
    templates: "Mẫu khẩn cấp", toTemplates: "Sửa mẫu khẩn cấp", kiosk: "Trang cho màn hình công cộng", kioskNote: "Mở địa chỉ này trên TV hay máy tính bảng ở nhà văn hoá: hiện điều đang phát và sắp phát.",
  },
  {
    title: "Settings", ofUnit: "Of the unit", own: "Your account", quiet: "Quiet hours", quietNote: "Devices keep them by themselves, without a network and for relays too. Only real emergencies and what has night permission sound.", unit: "Unit", from: "From", to: "To", addQuiet: "Add a period", remove: "Remove", save: "Save quiet hours", saved: "Quiet hours saved.", inherit: "This unit follows those above it.",
    units: "Communes, villages", unitsNote: "Name, code, people and validity of each unit.", toUnits: "See and change units", map: "The commune's map", drawMap: "Draw the map", import: "Import villages, communes", importNote: "From CSV or XLSX (columns id, code, name, kind, parent, valid_from, people, source, counted), or from an address database (address.json). Always try it first.", file: "File", below: "Below", all: "As the file says", look: "Try it", put: "Import", done: (a: number, c: number) => `Imported: ${a} new units, ${c} changed.`,
    report: (a: string, c: string, s: string) => `Will add ${a}, change ${c}, keep ${s} units.`, counted: (n: number) => `The population of ${n} villages will be signed.`, cleaned: (n: number) => `${n} names were normalised (NFC).`, dangling: (n: string, m: string) => `${n} mappings of former communes lead nowhere and are left out; ${m} are right.`, registrar: "The registrar's password (for populations)", first: "The first lines", kinds: { province: "province", commune: "commune", village: "village" } as Record<string, string>,
    templates: "Templates of emergencies", toTemplates: "Change them", kiosk: "Page for public screens", kioskNote: "Open this address on a TV or tablet: it shows what is and will be on air.",
  },
);

export function Settings() {
  const tops = units.value.filter((u) => u.kind !== "village" && !u.valid_until);
  return (
    <>
      <Title>{t().title}</Title>
      <Part title={t().ofUnit}>
        {administers() && <Quiet />}
        {administers() && <Limits of="volume" />}
        <Card title={t().units}>
          <p>{t().unitsNote}</p>
          <Link to="/don-vi" class="second">
            {t().toUnits}
          </Link>
        </Card>
        <Card title={t().map}>
          <Link to="/ban-do" class="second">
            {t().drawMap}
          </Link>
        </Card>
        {administers() && <Import />}
        {writes() && (
          <Card title={t().templates}>
            <Link to="/khan-cap" class="second">
              {t().toTemplates}
            </Link>
          </Card>
        )}
        <Card title={t().kiosk}>
          <p>{t().kioskNote}</p>
          <ul>
            {tops.slice(0, 10).map((u) => (
              <li key={u.id}>
                <a href={`/kiosk/${u.id}`}>
                  {location.origin}/kiosk/{u.id}
                </a>
              </li>
            ))}
          </ul>
        </Card>
        {writes() && <Pronunciations />}
      </Part>
      <Part title={t().own}>
        <Keys />
        <Second />
        <Sessions />
        <Password />
      </Part>
    </>
  );
}

function Quiet() {
  const unit = useSignal("");
  const at = unit.value || (units.value[0]?.id ?? "");
  const quiet = useLoaded(at, ["place"], () => (at ? call<QuietBody[]>("GET", `/units/${at}/quiet`) : Promise.resolve([])));
  return (
    <Card title={t().quiet}>
      <p class="hint">{t().quietNote}</p>
      <UnitField label={t().unit} value={at} onPick={(u) => (unit.value = u)} />
      <Shown of={quiet}>{(q) => <Periods key={at + JSON.stringify(q)} unit={at} before={q} />}</Shown>
    </Card>
  );
}

function Periods({ unit, before }: { unit: string; before: QuietBody[] }) {
  return (
    <Lines
      before={before}
      words={{ none: t().inherit, add: t().addQuiet, save: t().save, saved: t().saved }}
      fresh={{ start: "21:30", end: "05:00" }}
      most={8}
      put={(q) => call<void>("PUT", `/units/${unit}/quiet`, q).then(() => touch("place"))}
      line={(q, set, remove) => (
        <div class="hours two">
          <Field label={t().from}>{(f) => <input id={f} type="time" required value={q.start} onInput={(e) => set({ start: e.currentTarget.value })} />}</Field>
          <Field label={t().to}>{(f) => <input id={f} type="time" required value={q.end} onInput={(e) => set({ end: e.currentTarget.value })} />}</Field>
          <button type="button" class="second" onClick={remove}>
            {t().remove}
          </button>
        </div>
      )}
    />
  );
}

function Import() {
  const file = useSignal<File | null>(null);
  const below = useSignal("");
  const registrar = useSignal("");
  const seen = useSignal<ImportBody | null>(null);
  const [busy, run] = useBusy();
  const send = (dry: boolean) =>
    run(async () => {
      if (!file.value) return;
      const done = await call<ImportBody>("POST", "/units/import", {
        file: await base64(file.value), dry, ...(below.value ? { below: below.value } : {}), ...(registrar.value ? { registrar_password: registrar.value } : {}),
      });
      seen.value = dry ? done : null;
      if (!dry) {
        notice.value = t().done(done.added, done.changed);
        registrar.value = "";
        file.value = null;
        await loadUnits();
        touch("place");
      }
    });
  const s = seen.value;
  return (
    <Card title={t().import}>
      <p class="hint">{t().importNote}</p>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void send(s === null);
        }}
      >
        <FileField
          label={t().file}
          accept=".csv,.xlsx,.json"
          onFile={(f) => {
            file.value = f ?? null;
            seen.value = null;
          }}
        />
        <Field label={t().below}>
          {(f) => (
            <select
              id={f}
              value={below.value}
              onChange={(e) => {
                below.value = e.currentTarget.value;
                seen.value = null;
              }}
            >
              <option value="">{t().all}</option>
              {units.value
                .filter((u) => u.kind === "province")
                .map((u) => (
                  <option key={u.id} value={u.id}>
                    {u.name}
                  </option>
                ))}
            </select>
          )}
        </Field>
        {s && (
          <>
            <Note tone="good">
              <p>{t().report(number(s.added), number(s.changed), number(s.same))}</p>
              {s.cleaned > 0 && <p>{t().cleaned(s.cleaned)}</p>}
              {s.dangling > 0 && <p>{t().dangling(number(s.dangling), number(s.moved))}</p>}
              {s.counted > 0 && <p>{t().counted(s.counted)}</p>}
            </Note>
            <Sub>{t().first}</Sub>
            <ul class="rows">
              {s.lines.slice(0, 10).map((u) => (
                <li key={u.id} class="row">
                  <b>{u.name}</b>
                  <Tag>{u.code || (t().kinds[u.kind] ?? u.kind)}</Tag>
                </li>
              ))}
            </ul>
            {s.counted > 0 && (
              <Field label={t().registrar}>{(f) => <input id={f} type="password" autocomplete="off" required value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}</Field>
            )}
          </>
        )}
        <Say refusal={trouble.value} />
        <button type="submit" class={s ? "button" : "second"} disabled={!file.value} aria-disabled={busy}>
          {s ? t().put : t().look}
        </button>
      </form>
    </Card>
  );
}
