// Passkeys of the person, and, for administrators, those that wait for them.
import { useSignal } from "@preact/signals";
import { call } from "../call";
import type { PasskeyBody } from "../api";
import { has, register } from "../passkey";
import { administers, dictionary, me, notice, touch, trouble } from "../state";
import { when } from "../time";
import { Card, Field, Note, Say, Tag, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Khoá ký trên điện thoại", note: "Duyệt bằng vân tay, khuôn mặt hoặc mã PIN của máy. Khoá nằm trong máy của anh/chị; trung tâm không ký thay được.", name: "Gọi máy này là", usual: "điện thoại", add: "Tạo khoá trên máy này", added: "Đã tạo khoá. Người giữ sổ phải xác nhận trước khi dùng.",
    states: { waiting: "chờ xác nhận", confirmed: "đang dùng", revoked: "đã thu hồi" } as Record<string, string>, confirm: "Xác nhận", revoke: "Thu hồi", registrar: "Mật khẩu của người giữ sổ", none: "Chưa có khoá nào.", no: "Trình duyệt hay địa chỉ này không dùng được khoá (cần https).", synced: "có thể sao sang máy khác", confirmed: "Đã xác nhận khoá.", revoked: "Đã thu hồi khoá.",
  },
  {
    title: "Passkeys", note: "Approve by finger, face or the device's PIN. The key stays in your device; the hub cannot sign for you.", name: "Call this device", usual: "phone", add: "Make a passkey here", added: "Made. A registrar must confirm it before it counts.",
    states: { waiting: "waits for confirmation", confirmed: "in use", revoked: "revoked" } as Record<string, string>, confirm: "Confirm", revoke: "Revoke", registrar: "The registrar's password", none: "There is none yet.", no: "This browser or address cannot use passkeys (https is needed).", synced: "may be copied to other devices", confirmed: "Passkey confirmed.", revoked: "Passkey revoked.",
  },
);

export function Keys() {
  const keys = useLoaded("passkeys", ["person"], () => call<PasskeyBody[]>("GET", "/passkeys"));
  const name = useSignal(t().usual);
  const registrar = useSignal("");
  const [busy, run] = useBusy();
  const add = () =>
    run(async () => {
      await register(name.value);
      notice.value = t().added;
      touch("person");
    });
  const settle = (k: PasskeyBody, what: "confirm" | "revoke") =>
    run(async () => {
      await call<PasskeyBody>("POST", `/passkeys/${k.id}/${what}`, registrar.value ? { registrar_password: registrar.value } : {});
      notice.value = what === "confirm" ? t().confirmed : t().revoked;
      touch("person");
    });
  const list = (keys.data ?? []).filter((k) => k.state !== "revoked");
  return (
    <Card title={t().title}>
      <p class="hint">{t().note}</p>
      {list.length === 0 && <p class="quiet">{t().none}</p>}
      <ul class="rows">
        {list.map((k) => (
          <li key={k.id} class="row">
            <b>
              {k.name} ({k.person})
            </b>
            <Tag tone={k.state === "confirmed" ? "good" : "warn"}>{t().states[k.state]}</Tag>
            <span class="quiet">{[when(k.created), k.synced ? t().synced : ""].filter(Boolean).join(", ")}</span>
            {administers() && k.state === "waiting" && (
              <button type="button" class="second small" aria-disabled={busy} onClick={() => void settle(k, "confirm")}>
                {t().confirm}
              </button>
            )}
            {(administers() || k.person === me.value?.id) && (
              <button type="button" class="second small" aria-disabled={busy} onClick={() => void settle(k, "revoke")}>
                {t().revoke}
              </button>
            )}
          </li>
        ))}
      </ul>
      {administers() && list.length > 0 && (
        <Field label={t().registrar}>{(f) => <input id={f} type="password" autocomplete="off" value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}</Field>
      )}
      <Say refusal={trouble.value} />
      {has() ? (
        <>
          <Field label={t().name}>{(f) => <input id={f} maxLength={60} value={name.value} onInput={(e) => (name.value = e.currentTarget.value)} />}</Field>
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
