import { useSignal } from "@preact/signals";
import { call } from "../call";
import { dictionary, load, logOut, me, notice, trouble } from "../state";
import { Card, Field, Say, useBusy } from "../ui";

const t = dictionary(
  { old: "Mật khẩu hiện nay", new: "Mật khẩu mới", change: "Đổi mật khẩu", changed: "Đã đổi mật khẩu.", account: "Tài khoản", out: "Đăng xuất" },
  { old: "Present password", new: "New password", change: "Change it", changed: "Password changed.", account: "Account", out: "Log out" },
);

/** Password changes one's password, and logs out. */
export function Password() {
  const old = useSignal("");
  const fresh = useSignal("");
  const [busy, run] = useBusy();
  const change = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await call<void>("PUT", `/users/${me.value?.id}/password`, { old_password: old.value, password: fresh.value });
      old.value = fresh.value = "";
      notice.value = t().changed;
      if (me.value?.due) await load();
    });
  };
  return (
    <Card title={`${t().account}: ${me.value?.name ?? ""}`}>
      <form onSubmit={change}>
        <Field label={t().old}>{(f) => <input id={f} type="password" autocomplete="current-password" required value={old.value} onInput={(e) => (old.value = e.currentTarget.value)} />}</Field>
        <Field label={t().new}>{(f) => <input id={f} type="password" autocomplete="new-password" required value={fresh.value} onInput={(e) => (fresh.value = e.currentTarget.value)} />}</Field>
        <Say refusal={trouble.value} />
        <div class="pair wrap">
          <button type="button" class="second" onClick={() => void logOut()}>
            {t().out}
          </button>
          <button type="submit" class="button" aria-disabled={busy}>
            {t().change}
          </button>
        </div>
      </form>
    </Card>
  );
}
