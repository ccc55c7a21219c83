import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { call } from "../call";
import { api, type GrantBody, type IdentityBody, type UserBody } from "../api";
import type { Role } from "../api";
import { plain } from "../health";
import { Final } from "../final";
import { dictionary, done, me, notice, touch, trouble, unitName, units } from "../state";
import { when } from "../time";
import { Field, Link, Note, Say, Shown, Tag, Title, UnitField, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Người dùng và quyền", add: "Thêm người", id: "Tên đăng nhập", idHint: "Chữ thường không dấu, số và gạch nối.", name: "Họ tên", password: "Mật khẩu ban đầu", passwordHint: "Người đó phải đổi ở lần đăng nhập đầu.", approvers: "Người duyệt, người thay", fresh: "Mật khẩu dùng một lần", freshHint: "Dùng khi người đó quên mật khẩu; họ phải đổi ở lần đăng nhập sau.", give: "Đặt lại mật khẩu", given: "Đã đặt lại mật khẩu.", noSecond: "Gỡ xác thực hai lớp (mất điện thoại)", secondGone: "Đã gỡ xác thực hai lớp.", unit: "Đơn vị", role: "Vai trò",
    roles: { editor: "Soạn bản tin", approver: "Duyệt bản tin", operator: "Vận hành", administrator: "Quản trị", auditor: "Thanh tra", technician: "Kỹ thuật viên" } as Record<string, string>,
    roleSays: { editor: "viết, ghi âm, gửi duyệt", approver: "duyệt bằng chữ ký", operator: "xếp lịch, xem thiết bị", administrator: "quản lý đơn vị, thiết bị, người", auditor: "chỉ xem, kể cả nhật ký", technician: "lắp, thay, thử thiết bị" } as Record<string, string>,
    registrar: "Mật khẩu của người giữ sổ", registrarHint: "Cần khi người đó được duyệt bản tin: khoá của họ được ghi vào danh sách đã ký.", addVerb: "Thêm người này", added: "Đã thêm.", changed: "Đã đổi quyền.", disable: "Khoá tài khoản", disableSays: "Người này không đăng nhập được nữa và khoá ký của họ bị huỷ; không mở lại được. Điều họ đã duyệt vẫn còn hiệu lực.", disableReally: "Khoá hẳn", taken: (r: string, u: string) => `Đã bỏ quyền ${r}: ${u}.`, disabled: "đã khoá", locked: "Đã khoá tài khoản.", canSign: "có khoá ký",
    search: "Tìm người", addGrant: "Thêm quyền", remove: "Bỏ quyền", noOwn: "Không ai tự đổi quyền của mình. Hãy nhờ quản trị viên khác.", since: (x: string) => `từ ${x}`, own: "Mật khẩu của người đó", identity: (p: string) => `Tài khoản ở ${p}`, identityHint: "Chép đúng tên mà nơi đó ghi, thường là địa chỉ thư. Sau đó người này đăng nhập được bằng tài khoản ấy.", identityHas: (n: string) => `Đang gắn: ${n}.`, link: "Gắn tài khoản", unlink: "Gỡ tài khoản", linked: "Đã gắn tài khoản.", unlinked: "Đã gỡ tài khoản.",
  },
  {
    title: "People and rights", add: "Add a person", id: "User name", idHint: "Small letters without marks, digits, hyphens.", name: "Name", password: "First password", passwordHint: "They have to change it at their first log-in.", approvers: "Approvers, deputies", fresh: "One-time password", freshHint: "For who has forgotten theirs; they have to change it at the next log-in.", give: "Reset the password", given: "Password reset.", noSecond: "Remove the second factor (phone lost)", secondGone: "Second factor removed.", unit: "Unit", role: "Role",
    roles: { editor: "Writes bulletins", approver: "Approves", operator: "Operates", administrator: "Administers", auditor: "Audits", technician: "Technician" } as Record<string, string>,
    roleSays: { editor: "writes, records, submits", approver: "approves by signature", operator: "schedules, watches devices", administrator: "units, devices, people", auditor: "reads only, the log too", technician: "installs, replaces, tests devices" } as Record<string, string>,
    registrar: "The registrar's password", registrarHint: "Needed if the person is to approve: their key goes into the signed list.", addVerb: "Add this person", added: "Added.", changed: "Rights changed.", disable: "Lock the account", disableSays: "They can no longer log in, and their key to sign is destroyed; this cannot be reversed. What they approved stays approved.", disableReally: "Lock for good", taken: (r: string, u: string) => `Right removed: ${r}, ${u}.`, disabled: "locked", locked: "Account locked.", canSign: "has a key",
    search: "Search", addGrant: "Add a right", remove: "Remove", noOwn: "Nobody changes their own rights. Ask another administrator.", since: (x: string) => `since ${x}`, own: "The person's own password", identity: (p: string) => `Account at ${p}`, identityHint: "Copy the name as it stands there, mostly a mail address. From then on the person logs in with that account.", identityHas: (n: string) => `Linked: ${n}.`, link: "Link", unlink: "Unlink", linked: "Linked.", unlinked: "Unlinked.",
  },
);

/** roleNames are the roles in words. */
export const roleNames = (): Record<string, string> => t().roles;

/** roles are what can be given. */
const roles: Role[] = ["editor", "approver", "operator", "technician", "auditor", "administrator"];

function What({ value, onPick }: { value: Role; onPick: (r: Role) => void }) {
  return (
    <Field label={t().role}>
      {(f) => (
        <select id={f} value={value} onChange={(e) => onPick(e.currentTarget.value as Role)}>
          {roles.map((r) => (
            <option key={r} value={r}>
              {t().roles[r]} ({t().roleSays[r]})
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function People() {
  const people = useLoaded("people", ["person"], () => call<UserBody[]>("GET", "/users"));
  const ways = useLoaded("ways", [], api.ways);
  const search = useSignal("");
  return (
    <>
      <Title>{t().title}</Title>
      <Link to="/nguoi-duyet" class="second">
        {t().approvers}
      </Link>
      <Add />
      <Field label={t().search}>{(f) => <input id={f} type="search" value={search.value} onInput={(e) => (search.value = e.currentTarget.value)} />}</Field>
      <Shown of={people}>
        {(list) => (
          <ul class="rows cards">
            {list
              .filter((p) => plain(`${p.name} ${p.id}`).includes(plain(search.value)))
              .map((p) => (
                <li key={p.id}>
                  <Person p={p} provider={ways.data?.provider?.name ?? ""} />
                </li>
              ))}
          </ul>
        )}
      </Shown>
    </>
  );
}

function Add() {
  const f = useSignal({ id: "", name: "", password: "", registrar: "" });
  const grant = useSignal<GrantBody>({ unit: units.value[0]?.id ?? "", role: "editor" });
  const [busy, run] = useBusy();
  const v = f.value;
  const set = (part: Partial<typeof v>) => (f.value = { ...f.value, ...part });
  const add = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await call<void>("POST", "/users", {
        id: v.id.trim(), name: v.name.trim(), password: v.password, one_time: true, grants: [{ ...grant.value, unit: grant.value.unit || units.value[0]?.id }],
        ...(v.registrar ? { registrar_password: v.registrar } : {}),
      });
      f.value = { id: "", name: "", password: "", registrar: "" };
      notice.value = t().added;
      touch("person");
    });
  };
  return (
    <details>
      <summary>{t().add}</summary>
      <form class="more" onSubmit={add}>
        <Field label={t().name}>{(x) => <input id={x} required maxLength={100} value={v.name} onInput={(e) => set({ name: e.currentTarget.value })} />}</Field>
        <Field label={t().id} hint={t().idHint}>
          {(x, h) => <input id={x} aria-describedby={h} required pattern="[a-z0-9\-]{1,64}" autocapitalize="none" autocomplete="off" value={v.id} onInput={(e) => set({ id: e.currentTarget.value })} />}
        </Field>
        <Field label={t().password} hint={t().passwordHint}>
          {(x, h) => <input id={x} aria-describedby={h} type="password" autocomplete="new-password" required value={v.password} onInput={(e) => set({ password: e.currentTarget.value })} />}
        </Field>
        <div class="cols">
          <UnitField label={t().unit} value={grant.value.unit} onPick={(unit) => (grant.value = { ...grant.value, unit })} />
          <What value={grant.value.role} onPick={(role) => (grant.value = { ...grant.value, role })} />
        </div>
        {grant.value.role === "approver" && (
          <Field label={t().registrar} hint={t().registrarHint}>
            {(x, h) => <input id={x} aria-describedby={h} type="password" autocomplete="off" required value={v.registrar} onInput={(e) => set({ registrar: e.currentTarget.value })} />}
          </Field>
        )}
        <Say refusal={trouble.value} />
        <button type="submit" class="button" aria-disabled={busy}>
          {t().addVerb}
        </button>
      </form>
    </details>
  );
}

/** Identity says whom of a provider's accounts a person is, so that they log in there. */
function Identity({ person, provider }: { person: string; provider: string }) {
  const known = useLoaded(person, ["person"], () => call<IdentityBody>("GET", `/users/${person}/identity`));
  const name = useSignal<string | undefined>(undefined);
  const [busy, run] = useBusy();
  const value = name.value ?? known.data?.name ?? "";
  const put = (to: string) =>
    run(async () => {
      await call<void>("PUT", `/users/${person}/identity`, { name: to.trim() });
      name.value = undefined;
      notice.value = to ? t().linked : t().unlinked;
      touch("person");
    });
  return (
    <>
      <Field label={t().identity(provider)} hint={known.data?.name ? t().identityHas(known.data.name) : t().identityHint}>
        {(x, h) => <input id={x} aria-describedby={h} maxLength={320} autocapitalize="none" autocomplete="off" value={value} onInput={(e) => (name.value = e.currentTarget.value)} />}
      </Field>
      <div class="pair wrap">
        <button type="button" class="second" aria-disabled={busy} disabled={!value.trim() || value.trim() === known.data?.name} onClick={() => void put(value)}>
          {t().link}
        </button>
        {known.data?.name && (
          <button type="button" class="second" aria-disabled={busy} onClick={() => void put("")}>
            {t().unlink}
          </button>
        )}
      </div>
    </>
  );
}

function Person({ p, provider }: { p: UserBody; provider: string }) {
  const open = useSignal(false);
  const grant = useSignal<GrantBody>({ unit: units.value[0]?.id ?? "", role: "editor" });
  const registrar = useSignal("");
  const own = useSignal("");
  const fresh = useSignal("");
  const [busy, run] = useBusy();
  const self = p.id === me.value?.id;
  const signs = (g: GrantBody[]) => g.some((x) => x.role === "approver");
  // As changed here, before the list comes anew: the next change starts from that.
  const held = useSignal(p.grants);
  useEffect(() => {
    held.value = p.grants;
  }, [p]);
  const put = async (grants: GrantBody[], by: string) => {
    await call<void>("PUT", `/users/${p.id}/grants`, { grants, ...(by ? { registrar_password: by } : {}), ...(own.value ? { password: own.value } : {}) });
    held.value = grants;
    registrar.value = own.value = "";
    touch("person");
  };
  const add = () =>
    run(async () => {
      await put([...held.value, { ...grant.value, unit: grant.value.unit || (units.value[0]?.id ?? "") }], registrar.value);
      notice.value = t().changed;
    });
  const remove = (g: GrantBody) =>
    run(async () => {
      // An approver's list is signed again when the right comes back.
      const [was, by] = [held.value, registrar.value];
      await put(was.filter((x) => x !== g), by);
      done(t().taken(t().roles[g.role] ?? g.role, unitName(g.unit)), () => put(was, by));
      scrollTo(0, 0);
    });
  const give = () =>
    run(async () => {
      await call<void>("PUT", `/users/${p.id}/password`, { password: fresh.value, one_time: true, ...(registrar.value ? { registrar_password: registrar.value } : {}) });
      fresh.value = registrar.value = "";
      notice.value = t().given;
    });
  const unsecond = () =>
    run(async () => {
      await call<void>("DELETE", `/users/${p.id}/second-factor`);
      notice.value = t().secondGone;
    });
  const lock = () =>
    run(async () => {
      await call<void>("POST", `/users/${p.id}/disable`, registrar.value ? { registrar_password: registrar.value } : {});
      notice.value = t().locked;
      touch("person");
    });
  return (
    <details open={open.value} onToggle={(e) => (open.value = e.currentTarget.open)} class="plainfold">
      <summary>
        <b>{p.name}</b> <span class="quiet">{p.id}</span> {p.disabled && <Tag tone="bad">{t().disabled}</Tag>}
        {p.grants.map((g) => (
          <Tag key={g.unit + g.role}>
            {t().roles[g.role]}: {unitName(g.unit)}
          </Tag>
        ))}
      </summary>
      <div class="more">
        <p class="quiet">
          {t().since(when(p.created))}
          {p.can_sign ? `, ${t().canSign}` : ""}
        </p>
        {self && <Note>{t().noOwn}</Note>}
        {!self && !p.disabled && (
          <>
            <ul class="rows">
              {held.value.map((g) => (
                <li key={g.unit + g.role} class="row">
                  <b>
                    {t().roles[g.role]}: {unitName(g.unit)}
                  </b>
                  <button type="button" class="second small" aria-disabled={busy} aria-label={`${t().remove}: ${t().roles[g.role]}, ${unitName(g.unit)}`} onClick={() => void remove(g)}>
                    {t().remove}
                  </button>
                </li>
              ))}
            </ul>
            <div class="cols">
              <UnitField label={t().unit} value={grant.value.unit} onPick={(unit) => (grant.value = { ...grant.value, unit })} />
              <What value={grant.value.role} onPick={(role) => (grant.value = { ...grant.value, role })} />
            </div>
            {(grant.value.role === "approver" || signs(held.value)) && (
              <Field label={t().registrar} hint={t().registrarHint}>
                {(x, h) => <input id={x} aria-describedby={h} type="password" autocomplete="off" value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}
              </Field>
            )}
            {grant.value.role === "approver" && !p.can_sign && (
              <Field label={t().own}>{(x) => <input id={x} type="password" autocomplete="off" value={own.value} onInput={(e) => (own.value = e.currentTarget.value)} />}</Field>
            )}
            <Field label={t().fresh} hint={t().freshHint}>
              {(x, h) => <input id={x} aria-describedby={h} type="password" autocomplete="new-password" value={fresh.value} onInput={(e) => (fresh.value = e.currentTarget.value)} />}
            </Field>
            <div class="pair wrap">
              <button type="button" class="second" aria-disabled={busy} disabled={!fresh.value} onClick={() => void give()}>
                {t().give}
              </button>
              <button type="button" class="second" aria-disabled={busy} onClick={() => void unsecond()}>
                {t().noSecond}
              </button>
            </div>
            {open.value && provider && <Identity person={p.id} provider={provider} />}
            <Say refusal={trouble.value} />
            <div class="pair wrap">
              <Final verb={t().disable} says={t().disableSays} really={t().disableReally} busy={busy} act={lock} />
              <button type="button" class="button" aria-disabled={busy} onClick={() => void add()}>
                {t().addGrant}
              </button>
            </div>
          </>
        )}
      </div>
    </details>
  );
}

