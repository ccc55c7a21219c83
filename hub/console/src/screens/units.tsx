// The tree of units, searched, and one unit added, renamed or counted anew.
import { useSignal } from "@preact/signals";
import { call } from "../call";
import type { ImportBody, UnitBody } from "../api";
import { base64 } from "../files";
import { plain } from "../health";
import { administers, dictionary, loadUnits, notice, touch, trouble, unitName, units } from "../state";
import { dated, dayOf, number } from "../time";
import { Empty, Field, Say, Tag, Title, UnitField, useBusy } from "../ui";

const t = dictionary(
  {
    title: "Xã, thôn", search: "Tìm xã, thôn", hint: "Tên, mã; gõ không dấu cũng được.", found: (n: string) => `${n} đơn vị`, none: "Không có đơn vị nào như vậy.", kinds: { province: "tỉnh", commune: "xã", village: "thôn" } as Record<string, string>, people: (n: string) => `${n} người`, counted: (s: string, d: string) => `${s}, ${d}`, noCount: "chưa có số dân", ended: (d: string) => `hết hiệu lực từ ${d}`,
    add: "Thêm một thôn", id: "Mã nội bộ", idHint: "Chữ thường không dấu, số, gạch nối. Không đổi được.", name: "Tên", parent: "Thuộc", numberOf: "Số dân", source: "Nguồn số dân", sourceHint: "Ví dụ Công an xã.", on: "Ngày của số dân", from: "Có hiệu lực từ", until: "Hết hiệu lực từ ngày (để trống nếu còn)", registrar: "Mật khẩu của người giữ sổ, khi số dân đổi", save: "Lưu", saved: "Đã lưu.", change: "Sửa",
  },
  {
    title: "Communes, villages", search: "Find a unit", hint: "Name or code; marks are not needed.", found: (n: string) => `${n} units`, none: "There is no such unit.", kinds: { province: "province", commune: "commune", village: "village" } as Record<string, string>, people: (n: string) => `${n} people`, counted: (s: string, d: string) => `${s}, ${d}`, noCount: "not counted", ended: (d: string) => `ended on ${d}`,
    add: "Add a village", id: "Id", idHint: "Small letters, digits, hyphens. It cannot change.", name: "Name", parent: "Below", numberOf: "People", source: "Source of the number", sourceHint: "For example: commune police.", on: "Day of the number", from: "Valid from", until: "Ended on (empty if it stands)", registrar: "The registrar's password, where the number changes", save: "Save", saved: "Saved.", change: "Change",
  },
);

const most = 100;

export function Units() {
  const search = useSignal("");
  const words = plain(search.value).split(/\s+/).filter(Boolean);
  const list = units.value.filter((u) => {
    const key = plain(`${u.name} ${u.code} ${u.id}`);
    return words.every((x) => key.includes(x));
  });
  return (
    <>
      <Title back="/cai-dat">{t().title}</Title>
      <Field label={t().search} hint={t().hint}>
        {(f, h) => <input id={f} aria-describedby={h} type="search" value={search.value} onInput={(e) => (search.value = e.currentTarget.value)} />}
      </Field>
      {administers() && (
        <details>
          <summary>{t().add}</summary>
          <One key={units.value.length} before={null} />
        </details>
      )}
      {list.length === 0 && <Empty icon="people">{t().none}</Empty>}
      {list.length > 0 && (
        <p class="quiet" role="status">
          {t().found(number(list.length))}
        </p>
      )}
      <ul class="rows cards">
        {list.slice(0, most).map((u) => (
          <li key={u.id}>
            <Line u={u} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Line({ u }: { u: UnitBody }) {
  const open = useSignal(false);
  const facts = [u.code, u.id, u.parent ? unitName(u.parent) : "", u.kind === "village" ? (u.people ? `${t().people(number(u.people))} (${t().counted(u.source ?? "", u.counted ? dated(u.counted) : "")})` : t().noCount) : u.people ? t().people(number(u.people)) : "", u.valid_until ? t().ended(dated(u.valid_until)) : ""];
  const head = (
    <>
      <b>{u.name}</b> <Tag>{t().kinds[u.kind]}</Tag>
      <span class="quiet whole">{facts.filter(Boolean).join(" · ")}</span>
    </>
  );
  if (!administers()) return <p class="row">{head}</p>;
  return (
    <details class="plainfold" open={open.value} onToggle={(e) => (open.value = e.currentTarget.open)}>
      <summary>{head}</summary>
      {open.value && <One before={u} />}
    </details>
  );
}

/** cell is a value of a CSV. */
const cell = (s: string): string => `"${s.replaceAll('"', '""')}"`;

/** One is the form of one unit; it goes the way that files go, so the same rules hold. */
function One({ before: b }: { before: UnitBody | null }) {
  const f = useSignal({ id: b?.id ?? "", name: b?.name ?? "", parent: b?.parent ?? "", people: b?.kind === "village" && b.people ? String(b.people) : "", source: b?.source ?? "", counted: b?.counted ?? dayOf(new Date()), from: b?.valid_from ?? dayOf(new Date()), until: b?.valid_until ?? "" });
  const registrar = useSignal("");
  const [busy, run] = useBusy();
  const v = f.value;
  const set = (part: Partial<typeof v>) => (f.value = { ...f.value, ...part });
  const kind = b?.kind ?? "village";
  const village = kind === "village";
  const parent = v.parent || (b ? "" : (units.value.find((u) => u.kind === "commune" && !u.valid_until)?.id ?? ""));
  const save = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      const counted = village && v.people;
      const row = [v.id, b?.code ?? "", v.name, kind, parent, v.from, v.until, counted ? v.people : "", counted ? v.source : "", counted ? v.counted : ""].map(cell).join(",");
      const file = await base64(new Blob(["id,code,name,kind,parent,valid_from,valid_until,people,source,counted\n" + row + "\n"]));
      await call<ImportBody>("POST", "/units/import", { file, dry: false, ...(registrar.value ? { registrar_password: registrar.value } : {}) });
      registrar.value = "";
      notice.value = t().saved;
      await loadUnits();
      touch("place");
    });
  };
  const text = (label: string, key: keyof typeof v, more: { hint?: string; type?: "number" | "date"; required?: boolean; pattern?: string }) => (
    <Field label={label} {...(more.hint ? { hint: more.hint } : {})}>
      {(x, h) => {
        const of = { id: x, "aria-describedby": h, required: more.required ?? false, value: v[key], onInput: (e: Event) => set({ [key]: (e.currentTarget as HTMLInputElement).value }) };
        if (more.type === "number") return <input type="number" {...of} />;
        return more.type === "date" ? <input type="date" {...of} /> : <input {...of} {...(more.pattern ? { pattern: more.pattern, autocapitalize: "none" } : {})} />;
      }}
    </Field>
  );
  return (
    <form class="more" onSubmit={save}>
      {!b && text(t().id, "id", { hint: t().idHint, required: true, pattern: "[a-z0-9\\-]{1,64}" })}
      {text(t().name, "name", { required: true })}
      {!b && <UnitField label={t().parent} value={parent} onPick={(u) => set({ parent: u })} />}
      {village && (
        <>
          <div class="cols">
            {text(t().numberOf, "people", { type: "number" })}
            {text(t().on, "counted", { type: "date" })}
          </div>
          {text(t().source, "source", { hint: t().sourceHint, required: Boolean(v.people) })}
        </>
      )}
      <div class="cols">
        {text(t().from, "from", { type: "date", required: true })}
        {b && text(t().until, "until", { type: "date" })}
      </div>
      {village && <Field label={t().registrar}>{(x) => <input id={x} type="password" autocomplete="off" value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}</Field>}
      <Say refusal={trouble.value} />
      <button type="submit" class="button" aria-disabled={busy}>
        {t().save}
      </button>
    </form>
  );
}
