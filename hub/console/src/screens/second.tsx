// The second factor of a log-in: an authenticator app, and codes on paper for
// whoever loses the phone.
import { useSignal } from "@preact/signals";
import { call } from "../call";
import type { EnrolmentBody, RecoveryBody, SecondFactorBody } from "../api";
import { dictionary, load, me, notice, touch, trouble } from "../state";
import { Card, Field, Note, Say, Shown, Sub, Tag, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Xác thực hai lớp", on: "đang bật", off: "chưa bật", note: "Mỗi lần đăng nhập hỏi thêm mã sáu số của ứng dụng xác thực trên điện thoại, nên lộ mật khẩu vẫn chưa vào được.", begin: "Cài đặt xác thực hai lớp",
    scan: "1. Quét mã này bằng ứng dụng xác thực", picture: "Mã QR để cài ứng dụng xác thực", here: "Mở ứng dụng trên chính máy này", byHand: "Không quét được thì gõ khoá này", code: "2. Nhập mã sáu số đang hiện", codeHint: "Mã đổi mỗi 30 giây.", confirm: "Bật xác thực hai lớp", done: "Đã bật xác thực hai lớp.",
    codes: "Mã dự phòng", codesNote: "Mỗi mã dùng một lần khi mất điện thoại. Chỉ hiện lần này: hãy in hoặc chép ra giấy, cất nơi an toàn.", kept: "Tôi đã cất các mã này", print: "In", end: "Tắt xác thực hai lớp", password: "Mật khẩu của anh/chị", ended: "Đã tắt xác thực hai lớp.",
  },
  {
    title: "Second factor", on: "on", off: "off", note: "Each log-in also asks for six digits of an authenticator app on your phone, so a stolen password alone opens nothing.", begin: "Set up the second factor",
    scan: "1. Scan this with an authenticator app", picture: "QR code to set up an authenticator app", here: "Open the app on this device", byHand: "If it cannot be scanned, type this key", code: "2. Type the six digits it shows", codeHint: "They change every 30 seconds.", confirm: "Switch it on", done: "The second factor is on.",
    codes: "Recovery codes", codesNote: "Each counts once, if the phone is lost. They are shown this once: print them or write them down, and keep them safe.", kept: "I have kept these codes", print: "Print", end: "Switch it off", password: "Your password", ended: "The second factor is off.",
  },
);

/** Second sets one's second factor up and ends it. */
export function Second() {
  const state = useLoaded("second", ["person"], () => call<SecondFactorBody>("GET", "/second-factor"));
  const codes = useSignal<string[]>([]);
  return (
    <Card title={t().title} aside={state.data && <Tag tone={state.data.enrolled ? "good" : ""}>{state.data.enrolled ? t().on : t().off}</Tag>}>
      {codes.value.length > 0 ? (
        <Codes
          list={codes.value}
          onKept={() => {
            codes.value = [];
            notice.value = t().done;
            touch("person");
            if (me.value?.due) void load();
          }}
        />
      ) : (
        <Shown of={state}>{(s) => (s.enrolled ? <End /> : <Begin onCodes={(list) => (codes.value = list)} />)}</Shown>
      )}
    </Card>
  );
}

function Codes({ list, onKept }: { list: string[]; onKept: () => void }) {
  return (
    <>
      <Sub>{t().codes}</Sub>
      <Note tone="warn">{t().codesNote}</Note>
      <ul class="codes">
        {list.map((c) => (
          <li key={c} class="code">
            {c}
          </li>
        ))}
      </ul>
      <div class="pair wrap">
        <button type="button" class="second" onClick={() => print()}>
          {t().print}
        </button>
        <button type="button" class="button" onClick={onKept}>
          {t().kept}
        </button>
      </div>
    </>
  );
}

function Begin({ onCodes }: { onCodes: (codes: string[]) => void }) {
  const begun = useSignal<EnrolmentBody | null>(null);
  const code = useSignal("");
  const [busy, run] = useBusy();
  const e = begun.value;
  if (!e)
    return (
      <>
        <p class="hint">{t().note}</p>
        <button type="button" class="second" aria-disabled={busy} onClick={() => void run(async () => void (begun.value = await call<EnrolmentBody>("POST", "/second-factor")))}>
          {t().begin}
        </button>
      </>
    );
  const confirm = (ev: Event) => {
    ev.preventDefault();
    void run(async () => onCodes((await call<RecoveryBody>("PUT", "/second-factor", { code: code.value.replace(/\s/g, "") })).codes));
  };
  return (
    <form onSubmit={confirm}>
      <Sub>{t().scan}</Sub>
      <img class="qr" src={`data:image/png;base64,${e.picture}`} alt={t().picture} />
      <p>
        <a class="second" href={e.address}>
          {t().here}
        </a>
      </p>
      <Field label={t().byHand}>{(f) => <input id={f} class="code" readOnly value={e.secret.replace(/(.{4})/g, "$1 ").trim()} onFocus={(x) => x.currentTarget.select()} />}</Field>
      <Field label={t().code} hint={t().codeHint}>
        {(f, h) => <input id={f} aria-describedby={h} inputMode="numeric" autocomplete="one-time-code" required maxLength={12} value={code.value} onInput={(x) => (code.value = x.currentTarget.value)} />}
      </Field>
      <Say refusal={trouble.value} />
      <button type="submit" class="button" aria-disabled={busy}>
        {t().confirm}
      </button>
    </form>
  );
}

function End() {
  const password = useSignal("");
  const [busy, run] = useBusy();
  const end = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await call<void>("POST", "/second-factor/end", { password: password.value });
      notice.value = t().ended;
      touch("person");
    });
  };
  return (
    <>
      <p class="hint">{t().note}</p>
      <details class="plainfold">
        <summary>{t().end}</summary>
        <form class="more" onSubmit={end}>
          <Field label={t().password}>{(f) => <input id={f} type="password" autocomplete="current-password" required value={password.value} onInput={(e) => (password.value = e.currentTarget.value)} />}</Field>
          <Say refusal={trouble.value} />
          <button type="submit" class="second" aria-disabled={busy}>
            {t().end}
          </button>
        </form>
      </details>
    </>
  );
}
