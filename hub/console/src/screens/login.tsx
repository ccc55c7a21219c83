import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { api, refusalOf, type Me, type Refusal, type WaysBody } from "../api";
import { entered, me, over, w } from "../state";
import { Field, Icon, Note, Say, Title } from "../ui";

/** Whether the hub has asked for the code of the second factor. */
const wantsCode = (r: Refusal | null): boolean => r?.code === "second-factor" || r?.code === "wrong-code";

export function LogIn({ lang }: { lang: ComponentChildren }) {
  const user = useSignal(me.peek()?.id ?? "");
  const password = useSignal("");
  const code = useSignal("");
  const second = useSignal(false);
  const busy = useSignal(false);
  const refusal = useSignal<Refusal | null>(null);
  const ways = useSignal<WaysBody | null>(null);
  const box = useRef<HTMLInputElement>(null);
  // Other ways to log in come when the page can be used already.
  useEffect(() => {
    api.ways().then(
      (x) => (ways.value = x),
      () => undefined,
    );
  }, []);
  useEffect(() => {
    if (second.value) box.current?.focus();
  }, [second.value]);
  const name = () => user.value.trim().toLowerCase();
  const enter = async (e: Event | null, by: () => Promise<Me>) => {
    e?.preventDefault();
    if (busy.value) return;
    busy.value = true;
    try {
      entered(await by());
    } catch (err) {
      const r = refusalOf(err);
      // That a code is wanted is the next step, not a mistake.
      refusal.value = r.code === "second-factor" && !second.value ? null : r;
      second.value = wantsCode(r) || (second.value && r.code === "cancelled");
      code.value = "";
      // With a code the password was right: it is not asked for twice.
      if (!second.value) password.value = "";
    } finally {
      busy.value = false;
    }
  };
  const passkey = () => enter(null, async () => (await import("../passkey")).logIn(second.value ? name() : undefined, second.value ? password.value : undefined));
  return (
    <div class="login">
      <header class="loginhead">
        <p class="brand">
          {w().brand}
          <small>{w().tagline}</small>
        </p>
        {lang}
        <a class="stop" href="/dung">
          <Icon name="stop" solid />
          {w().stop}
        </a>
      </header>
      <main>
        <form onSubmit={(e) => void enter(e, () => api.logIn(name(), password.value, code.value.trim()))}>
          <Title>{w().logIn}</Title>
          {over.value && <Note>{w().logInOver}</Note>}
          <Say refusal={refusal.value} />
          {second.value ? (
            <Field label={w().code} hint={w().codeHint}>
              {(id, h) => (
                <input id={id} ref={box} aria-describedby={h} name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck={false} required maxLength={40} value={code.value} onInput={(e) => (code.value = e.currentTarget.value)} />
              )}
            </Field>
          ) : (
            <>
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
            </>
          )}
          <button type="submit" class="button" aria-disabled={busy.value}>
            {w().logIn}
          </button>
          {ways.value?.passkey && "PublicKeyCredential" in window && (
            <button type="button" class="second" aria-disabled={busy.value} onClick={() => void passkey()}>
              {w().byPasskey}
            </button>
          )}
          {ways.value?.provider && !second.value && (
            <a class="second" href={ways.value.provider.path}>
              {w().byProvider(ways.value.provider.name)}
            </a>
          )}
          {second.value && (
            <button
              type="button"
              class="text"
              onClick={() => {
                second.value = false;
                refusal.value = null;
                password.value = "";
              }}
            >
              {w().otherPerson}
            </button>
          )}
        </form>
      </main>
    </div>
  );
}
