// Where one is logged in, to end what is not one's own doing.
import { useSignal } from "@preact/signals";
import { call } from "../call";
import type { SessionBody } from "../api";
import { dictionary, me, notice, trouble } from "../state";
import { when } from "../time";
import { Card, Say, Shown, Tag, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Đang đăng nhập ở", here: "máy này", end: "Kết thúc", endAll: "Kết thúc mọi nơi khác", ended: "Đã kết thúc phiên đăng nhập.", endedAll: "Đã kết thúc mọi phiên khác.", unknown: "trình duyệt lạ", note: "Thấy nơi không phải của mình thì kết thúc ngay và đổi mật khẩu.",
    ways: { password: "bằng mật khẩu", code: "bằng mật khẩu và mã", passkey: "bằng khoá", provider: "qua hệ thống đăng nhập khác" } as Record<SessionBody["way"], string>, since: (a: string, b: string) => `từ ${a}, tới ${b}`,
  },
  {
    title: "Logged in at", here: "this device", end: "End", endAll: "End all others", ended: "That log-in is over.", endedAll: "All other log-ins are over.", unknown: "unknown browser", note: "If one of them is not you, end it at once and change your password.",
    ways: { password: "by password", code: "by password and code", passkey: "by passkey", provider: "by another provider" } as Record<SessionBody["way"], string>, since: (a: string, b: string) => `from ${a}, until ${b}`,
  },
);

/** browser is how people call what a browser says of itself. */
function browser(agent: string): string {
  const name = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrome\//.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : "";
  const on = /Android/.test(agent) ? "Android" : /iPhone|iPad/.test(agent) ? "iPhone, iPad" : /Windows/.test(agent) ? "Windows" : /Mac OS/.test(agent) ? "Mac" : /Linux/.test(agent) ? "Linux" : "";
  return [name, on].filter(Boolean).join(", ") || t().unknown;
}

export function Sessions() {
  const at = `/users/${me.value?.id}/sessions`;
  const turn = useSignal(0);
  const list = useLoaded(`${at} ${turn.value}`, ["person"], () => call<SessionBody[]>("GET", at));
  const [busy, run] = useBusy();
  const end = (id: string) =>
    run(async () => {
      await call<void>("DELETE", id ? `${at}/${id}` : at);
      notice.value = id ? t().ended : t().endedAll;
      turn.value++;
    });
  return (
    <Card title={t().title}>
      <Shown of={list}>
        {(l) => (
          <>
            <ul class="rows">
              {l.map((s) => (
                <li key={s.id} class="row">
                  <b>{browser(s.browser)}</b>
                  {s.current && <Tag tone="good">{t().here}</Tag>}
                  <span class="quiet">{[s.address, t().ways[s.way], t().since(when(s.began), when(s.expires))].filter(Boolean).join(" · ")}</span>
                  {!s.current && (
                    <button type="button" class="second small" aria-disabled={busy} aria-label={`${t().end}: ${browser(s.browser)}, ${s.address}`} onClick={() => void end(s.id)}>
                      {t().end}
                    </button>
                  )}
                </li>
              ))}
            </ul>
            <Say refusal={trouble.value} />
            {l.length > 1 && (
              <>
                <p class="hint">{t().note}</p>
                <button type="button" class="second" aria-disabled={busy} onClick={() => void end("")}>
                  {t().endAll}
                </button>
              </>
            )}
          </>
        )}
      </Shown>
    </Card>
  );
}
