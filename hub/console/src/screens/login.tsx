import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { api, refusalOf, type Refusal } from "../api";
import { me, w } from "../state";
import { Field, Say, Title } from "../ui";

export function LogIn({ lang }: { lang: ComponentChildren }) {
  const user = useSignal("");
  const password = useSignal("");
  const busy = useSignal(false);
  const refusal = useSignal<Refusal | null>(null);
  const send = async (e: Event) => {
    e.preventDefault();
    if (busy.value) return;
    busy.value = true;
    try {
      me.value = await api.logIn(user.value.trim().toLowerCase(), password.value);
    } catch (err) {
      refusal.value = refusalOf(err);
    } finally {
      busy.value = false;
      password.value = "";
    }
  };
  return (
    <div class="login">
      <header class="loginhead">
        <p class="brand">
          {w().brand}
          <small>{w().tagline}</small>
        </p>
        {lang}
      </header>
      <main>
        <form onSubmit={(e) => void send(e)}>
          <Title>{w().logIn}</Title>
          <Say refusal={refusal.value} />
          <Field label={w().user}>
            {(id) => (
              <input id={id} name="user" autocomplete="username" autocapitalize="none" spellcheck={false} required value={user.value} onInput={(e) => (user.value = e.currentTarget.value)} />
            )}
          </Field>
          <Field label={w().password}>
            {(id) => (
              <input id={id} name="password" type="password" autocomplete="current-password" required value={password.value} onInput={(e) => (password.value = e.currentTarget.value)} />
            )}
          </Field>
          <button type="submit" class="button" aria-disabled={busy.value}>
            {w().logIn}
          </button>
        </form>
      </main>
    </div>
  );
}
