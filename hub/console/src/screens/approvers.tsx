// Who may approve in a unit, as devices have it in their signed list; deputies for
// some days; classes that only passkeys may approve.
import { useSignal } from "@preact/signals";
import { call } from "../call";
import type { ApproverBody, ApproversBody, DemandBody, Role, UserBody } from "../api";
import { administers, dictionary, done, notice, touch, trouble, unitName, units, w } from "../state";
import { date, dayOf, when } from "../time";
import { roleNames } from "./people";
import { Card, Check, Field, Note, Say, Shown, Tag, Title, UnitField, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Người duyệt, người thay", unit: "Đơn vị", list: "Danh sách đã ký", note: "Thiết bị chỉ phát điều do người trong danh sách này ký. Danh sách được người giữ sổ ký; thiết bị tự kiểm tra.", signed: (a: string, b: string) => `Ký ${a}, hết hạn ${b}.`, none: "Chưa ai được duyệt ở đơn vị này.",
    key: { passkey: "khoá trên điện thoại", "hub-key": "khoá giữ ở trung tâm" } as Record<string, string>, until: (a: string, b: string) => `từ ${a} đến hết ${b}`, stands: (x: string) => `thay ${x}`, now: "đang có quyền", notNow: "chưa tới ngày", over: "đã hết", end: "Chấm dứt", ended: "Đã chấm dứt. Danh sách mới đã được ký.",
    add: "Cử người thay", person: "Người thay", forWhom: "Thay cho", from: "Từ ngày", through: "Đến hết ngày", classes: "Được duyệt loại", added: "Đã cử người thay. Danh sách mới đã được ký.", registrar: "Mật khẩu của người giữ sổ", registrarHint: "Danh sách phải được ký lại.",
    passkeys: "Loại chỉ duyệt bằng khoá trên điện thoại", passkeysNote: "Với các loại này, khoá giữ ở trung tâm không còn ký được: ai vào được máy chủ cũng không phát được.", save: "Lưu", saved: "Đã lưu. Danh sách mới đã được ký.",
    second: "Vai trò phải có xác thực hai lớp", secondNote: "Ai có vai trò này ở đơn vị hay bên dưới thì lần đăng nhập sau phải cài đặt xác thực hai lớp mới dùng tiếp được.", above: "do cấp trên yêu cầu", demanded: "Đã lưu yêu cầu xác thực hai lớp.",
  },
  {
    title: "Approvers, deputies", unit: "Unit", list: "The signed list", note: "Devices play only what somebody on this list has signed. The registrar signs the list; devices check it themselves.", signed: (a: string, b: string) => `Signed ${a}, expires ${b}.`, none: "Nobody may approve in this unit yet.",
    key: { passkey: "passkey", "hub-key": "key held by the hub" } as Record<string, string>, until: (a: string, b: string) => `from ${a} through ${b}`, stands: (x: string) => `for ${x}`, now: "counts now", notNow: "not yet", over: "is over", end: "End it", ended: "Ended. A new list was signed.",
    add: "Name a deputy", person: "Deputy", forWhom: "Stands in for", from: "From", through: "Through", classes: "May approve", added: "Deputy named. A new list was signed.", registrar: "The registrar's password", registrarHint: "The list has to be signed anew.",
    passkeys: "Only passkeys may approve", passkeysNote: "For these, keys held by the hub sign no more: whoever gets into the server cannot broadcast.", save: "Save", saved: "Saved. A new list was signed.",
    second: "Roles that need a second factor", secondNote: "Whoever has such a role here or below has to set it up at the next log-in before anything else.", above: "demanded by a unit above", demanded: "Saved.",
  },
);

const roles: Role[] = ["approver", "administrator", "editor", "operator", "technician", "auditor"];

const all = ["normal", "priority", "emergency"] as const;
const className = (c: string): string => (({ normal: w().normal, priority: w().priority, emergency: w().emergency }) as Record<string, string>)[c] ?? c;

/** dated says whether a right is for some days only. */
const dated = (p: ApproverBody): boolean => Boolean(p.for);

export function Approvers() {
  const unit = useSignal("");
  const at = unit.value || (units.value.find((u) => u.kind === "commune") ?? units.value[0])?.id || "";
  const list = useLoaded(at, ["person"], () => call<ApproversBody>("GET", `/units/${encodeURIComponent(at)}/approvers`));
  return (
    <>
      <Title back="/nguoi-dung">{t().title}</Title>
      <UnitField label={t().unit} value={at} onPick={(u) => (unit.value = u)} />
      <Shown of={list}>
        {(l) => (
          <>
            <List key={l.unit} of={l} />
            {administers() && <Deputy key={`d${l.unit}`} of={l} />}
            {administers() && <Second key={`s${l.unit}`} unit={l.unit} />}
            {administers() && <Demand key={`p${l.unit}${l.number}`} of={l} />}
          </>
        )}
      </Shown>
    </>
  );
}

function List({ of: l }: { of: ApproversBody }) {
  const registrar = useSignal("");
  const [busy, run] = useBusy();
  const now = Date.now();
  const end = (p: ApproverBody) =>
    run(async () => {
      const by = registrar.value;
      await call<void>("POST", `/units/${l.unit}/deputies/end`, { person: p.person, registrar_password: by });
      registrar.value = "";
      done(t().ended, async () => {
        const through = dayOf(new Date(Date.parse(p.until) - 1));
        await call<void>("POST", `/units/${l.unit}/deputies`, { person: p.person, for: p.for, from: dayOf(new Date(p.from)), through, classes: p.classes, registrar_password: by });
        touch("person");
      });
      touch("person");
    });
  return (
    <Card title={`${t().list}: ${unitName(l.unit)}`}>
      <p class="hint">{t().note}</p>
      {l.number > 0 && <p class="quiet">{t().signed(when(l.issued), date(dayOf(new Date(l.expires))))}</p>}
      {l.people.length === 0 && <p class="quiet">{t().none}</p>}
      <ul class="rows">
        {l.people.map((p) => (
          <li key={p.person + p.key + p.from + p.until} class="row">
            <b>{p.name}</b>
            <Tag tone={p.now ? "good" : ""}>{p.now ? t().now : Date.parse(p.from) > now ? t().notNow : t().over}</Tag>
            <span class="quiet">
              {[dated(p) ? `${t().stands(l.people.find((x) => x.person === p.for)?.name ?? p.for ?? "")}, ${t().until(date(dayOf(new Date(p.from))), date(dayOf(new Date(Date.parse(p.until) - 1))))}` : "", t().key[p.key], p.classes.map(className).join(", ")].filter(Boolean).join(" · ")}
            </span>
            {administers() && dated(p) && Date.parse(p.until) > now && (
              <button type="button" class="second small" aria-disabled={busy} disabled={!registrar.value} aria-label={`${t().end}: ${p.name}`} onClick={() => void end(p)}>
                {t().end}
              </button>
            )}
          </li>
        ))}
      </ul>
      {administers() && l.people.some((p) => dated(p) && Date.parse(p.until) > now) && (
        <Field label={t().registrar} hint={t().registrarHint}>
          {(f, h) => <input id={f} aria-describedby={h} type="password" autocomplete="off" value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}
        </Field>
      )}
    </Card>
  );
}

function Deputy({ of: l }: { of: ApproversBody }) {
  const people = useLoaded("people", ["person"], () => call<UserBody[]>("GET", "/users"));
  const today = dayOf(new Date());
  const f = useSignal({ person: "", forWhom: "", from: today, through: dayOf(new Date(Date.now() + 6 * 86400_000)), classes: [...all] as string[], registrar: "" });
  const [busy, run] = useBusy();
  const v = f.value;
  const set = (part: Partial<typeof v>) => (f.value = { ...f.value, ...part });
  const regular = [...new Map(l.people.filter((p) => !dated(p)).map((p) => [p.person, p.name])).entries()];
  // Who has a key comes first; the hub says what those without one have to do.
  const others = (people.data ?? []).filter((p) => !p.disabled && p.id !== (v.forWhom || regular[0]?.[0])).sort((a, b) => Number(b.can_sign) - Number(a.can_sign));
  const add = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await call<void>("POST", `/units/${l.unit}/deputies`, {
        person: v.person || others[0]?.id, for: v.forWhom || regular[0]?.[0], from: v.from, through: v.through, ...(v.classes.length === all.length ? {} : { classes: v.classes }), registrar_password: v.registrar,
      });
      set({ registrar: "" });
      notice.value = t().added;
      touch("person");
    });
  };
  if (!regular.length) return null;
  return (
    <details>
      <summary>{t().add}</summary>
      <form class="more" onSubmit={add}>
        <div class="cols">
          <Field label={t().forWhom}>
            {(x) => (
              <select id={x} value={v.forWhom || regular[0]?.[0]} onChange={(e) => set({ forWhom: e.currentTarget.value })}>
                {regular.map(([id, name]) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label={t().person}>
            {(x) => (
              <select id={x} value={v.person || others[0]?.id} onChange={(e) => set({ person: e.currentTarget.value })}>
                {others.map((p) => (
                  <option key={p.id} value={p.id}>
                    {p.name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label={t().from}>{(x) => <input id={x} type="date" required value={v.from} onInput={(e) => set({ from: e.currentTarget.value })} />}</Field>
          <Field label={t().through}>{(x) => <input id={x} type="date" required min={v.from} value={v.through} onInput={(e) => set({ through: e.currentTarget.value })} />}</Field>
        </div>
        <fieldset class="choice">
          <legend>{t().classes}</legend>
          {all.map((c) => (
            <Check key={c} label={className(c)} checked={v.classes.includes(c)} onPick={(on) => set({ classes: on ? [...v.classes, c] : v.classes.filter((x) => x !== c) })} />
          ))}
        </fieldset>
        <Field label={t().registrar} hint={t().registrarHint}>
          {(x, h) => <input id={x} aria-describedby={h} type="password" autocomplete="off" required value={v.registrar} onInput={(e) => set({ registrar: e.currentTarget.value })} />}
        </Field>
        <Say refusal={trouble.value} />
        <button type="submit" class="button" disabled={v.classes.length === 0} aria-disabled={busy}>
          {t().add}
        </button>
      </form>
    </details>
  );
}

/** Second says which roles log in with a second factor only, in the unit and below. */
function Second({ unit }: { unit: string }) {
  const demand = useLoaded(unit, ["person"], () => call<DemandBody>("GET", `/units/${unit}/second-factor`));
  const [busy, run] = useBusy();
  const set = (roles: Role[]) =>
    run(async () => {
      await call<void>("PUT", `/units/${unit}/second-factor`, { roles });
      notice.value = t().demanded;
      touch("person");
    });
  return (
    <details>
      <summary>{t().second}</summary>
      <div class="more">
        <p class="hint">{t().secondNote}</p>
        <Shown of={demand}>
          {(d) => (
            <fieldset class="choice" disabled={busy}>
              <legend class="hidden">{t().second}</legend>
              {roles.map((r) => {
                const above = d.in_force.includes(r) && !d.roles.includes(r);
                return <Check key={r} label={roleNames()[r] ?? r} {...(above ? { hint: t().above } : {})} checked={d.in_force.includes(r)} onPick={(on) => void (above || set((on ? [...d.roles, r] : d.roles.filter((x) => x !== r)) as Role[]))} />;
              })}
            </fieldset>
          )}
        </Shown>
        <Say refusal={trouble.value} />
      </div>
    </details>
  );
}

function Demand({ of: l }: { of: ApproversBody }) {
  const picked = useSignal(l.passkeys);
  const registrar = useSignal("");
  const [busy, run] = useBusy();
  const save = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await call<void>("PUT", `/units/${l.unit}/passkeys`, { classes: picked.value, registrar_password: registrar.value });
      registrar.value = "";
      notice.value = t().saved;
      touch("person");
    });
  };
  return (
    <details>
      <summary>{t().passkeys}</summary>
      <form class="more" onSubmit={save}>
        <Note>{t().passkeysNote}</Note>
        {all.map((c) => (
          <Check key={c} label={className(c)} checked={picked.value.includes(c)} onPick={(on) => (picked.value = on ? [...picked.value, c] : picked.value.filter((x) => x !== c))} />
        ))}
        <Field label={t().registrar} hint={t().registrarHint}>
          {(x, h) => <input id={x} aria-describedby={h} type="password" autocomplete="off" required value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}
        </Field>
        <Say refusal={trouble.value} />
        <button type="submit" class="button" aria-disabled={busy}>
          {t().save}
        </button>
      </form>
    </details>
  );
}
