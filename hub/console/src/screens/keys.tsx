// Passkeys of the person, and, for administrators, those that wait for them.
import { useSignal } from "@preact/signals";
import { call } from "../call";
import type { PasskeyBody, RecoveryBody } from "../api";
import { Final } from "../final";
import { has, register } from "../passkey";
import { administers, dictionary, me, notice, touch, trouble } from "../state";
import { when } from "../time";
import { Card, Field, Lacking, Note, Say, Tag, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Khoá ký trên điện thoại", note: "Duyệt bằng vân tay, khuôn mặt hoặc mã PIN của máy. Khoá nằm trong máy của anh/chị; trung tâm không ký thay được.", name: "Gọi máy này là", usual: "điện thoại", add: "Tạo khoá trên máy này", added: "Đã tạo khoá. Người giữ sổ phải xác nhận trước khi dùng.",
    states: { waiting: "chờ xác nhận", confirmed: "đang dùng", revoked: "đã thu hồi" } as Record<string, string>, confirm: "Xác nhận", revoke: "Thu hồi", revokeSays: "Khoá này không bao giờ duyệt hay đăng nhập được nữa; muốn dùng lại phải tạo khoá mới.", revokeReally: "Thu hồi hẳn", registrar: "Mật khẩu của người giữ sổ", none: "Chưa có khoá nào.", no: "Trình duyệt hay địa chỉ này không dùng được khoá (cần https).", synced: "có thể sao sang máy khác", confirmed: "Đã xác nhận khoá.", revoked: "Đã thu hồi khoá.", logInNote: "Từ đó khoá là lớp xác thực thứ hai: mật khẩu một mình không vào được nữa.", own: "Mật khẩu của anh/chị, để đổi cách đăng nhập", on: "đăng nhập được", turnOn: "Dùng để đăng nhập", turnOff: "Thôi dùng để đăng nhập", changed: "Đã đổi cách đăng nhập.", codes: "Mã dự phòng, chỉ hiện lần này: hãy in hoặc chép ra giấy.",
  },
  {
    title: "Passkeys", note: "Approve by finger, face or the device's PIN. The key stays in your device; the hub cannot sign for you.", name: "Call this device", usual: "phone", add: "Make a passkey here", added: "Made. A registrar must confirm it before it counts.",
    states: { waiting: "waits for confirmation", confirmed: "in use", revoked: "revoked" } as Record<string, string>, confirm: "Confirm", revoke: "Revoke", revokeSays: "It will never approve or log in again; only a new passkey will.", revokeReally: "Revoke for good", registrar: "The registrar's password", none: "There is none yet.", no: "This browser or address cannot use passkeys (https is needed).", synced: "may be copied to other devices", confirmed: "Passkey confirmed.", revoked: "Passkey revoked.", logInNote: "It is a second factor from then on: the password alone opens nothing.", own: "Your password, to change how you log in", on: "logs in", turnOn: "Log in with it", turnOff: "No longer log in with it", changed: "Changed.", codes: "Recovery codes, shown this once: print them or write them down.",
  },
);

export function Keys() {
  const keys = useLoaded("passkeys", ["person"], () => call<PasskeyBody[]>("GET", "/passkeys"));
  const typed = useSignal<string | undefined>(undefined);
  const name = typed.value ?? t().usual;
  const registrar = useSignal("");
  const own = useSignal("");
  const codes = useSignal<string[]>([]);
  const [busy, run] = useBusy();
  const add = () =>
    run(async () => {
      await register(name);
      notice.value = t().added;
      touch("person");
    });
  const settle = (k: PasskeyBody, what: "confirm" | "revoke") =>
    run(async () => {
      await call<PasskeyBody>("POST", `/passkeys/${k.id}/${what}`, registrar.value ? { registrar_password: registrar.value } : {});
      notice.value = what === "confirm" ? t().confirmed : t().revoked;
      touch("person");
    });
  const logIn = (k: PasskeyBody, on: boolean) =>
    run(async () => {
      codes.value = (await call<RecoveryBody>("PUT", `/passkeys/${k.id}/log-in`, { on, password: own.value })).codes;
      own.value = "";
      notice.value = t().changed;
      touch("person");
    });
  const list = (keys.data ?? []).filter((k) => k.state !== "revoked");
  return (
    <Card title={t().title}>
      <p class="hint">{t().note}</p>
      <Lacking of={[keys]} />
      {keys.data && list.length === 0 && <p class="quiet">{t().none}</p>}
      <ul class="rows">
        {list.map((k) => (
          <li key={k.id} class="row">
            <b>
              {k.name} ({k.person_name})
            </b>
            <Tag tone={k.state === "confirmed" ? "good" : "warn"}>{t().states[k.state]}</Tag>
            {k.log_in && <Tag tone="good">{t().on}</Tag>}
            <span class="quiet">{[when(k.created), k.synced ? t().synced : ""].filter(Boolean).join(", ")}</span>
            {administers() && k.state === "waiting" && (
              <button type="button" class="second small" aria-disabled={busy} onClick={() => void settle(k, "confirm")}>
                {t().confirm}
              </button>
            )}
            {k.person === me.value?.id && (
              <button type="button" class="second small" aria-disabled={busy} disabled={!own.value} onClick={() => void logIn(k, !k.log_in)}>
                {k.log_in ? t().turnOff : t().turnOn}
              </button>
            )}
            {(administers() || k.person === me.value?.id) && (
              <Final small verb={t().revoke} says={t().revokeSays} really={t().revokeReally} label={`${t().revoke}: ${k.name} (${k.person_name})`} busy={busy} act={() => settle(k, "revoke")} />
            )}
          </li>
        ))}
      </ul>
      {list.some((k) => k.person === me.value?.id) && (
        <Field label={t().own} hint={t().logInNote}>
          {(f, h) => <input id={f} aria-describedby={h} type="password" autocomplete="current-password" value={own.value} onInput={(e) => (own.value = e.currentTarget.value)} />}
        </Field>
      )}
      {codes.value.length > 0 && (
        <>
          <Note tone="warn">{t().codes}</Note>
          <ul class="codes">
            {codes.value.map((c) => (
              <li key={c} class="code">
                {c}
              </li>
            ))}
          </ul>
        </>
      )}
      {administers() && list.length > 0 && (
        <Field label={t().registrar}>{(f) => <input id={f} type="password" autocomplete="off" value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}</Field>
      )}
      <Say refusal={trouble.value} />
      {has() ? (
        <>
          <Field label={t().name}>{(f) => <input id={f} maxLength={60} value={name} onInput={(e) => (typed.value = e.currentTarget.value)} />}</Field>
          <button type="button" class="second" aria-disabled={busy} onClick={() => void add()}>
            {t().add}
          </button>
        </>
      ) : (
        <Note>{t().no}</Note>
      )}
    </Card>
  );
}
