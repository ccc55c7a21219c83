// The page: who is logged in, the address, and the frame around every screen.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { announced, failed, idle, lang, live, load, me, notice, over, speak, trouble, undo, units, w } from "./state";
import { Nav } from "./nav";
import { StopButton, StopStrip } from "./stop";
import { Icon, Link, Say } from "./ui";
import { fetchLikely, Here } from "./router";
import { LogIn } from "./screens/login";

function LangButton() {
  const other = lang.value === "en" ? "vi" : "en";
  return (
    <button type="button" class="ghost" lang={other} aria-label={`${other.toUpperCase()}: ${w().otherLang}`} onClick={() => void speak(other)}>
      {other.toUpperCase()}
    </button>
  );
}

/** takeBack undoes what was told last. */
async function takeBack(back: () => Promise<void>): Promise<void> {
  undo.value = null;
  notice.value = "";
  try {
    await back();
    notice.value = w().undone;
  } catch (e) {
    failed(e);
  }
}

function Frame() {
  const top = units.value[0];
  const back = undo.value?.of === notice.value ? undo.value.back : undefined;
  useEffect(() => {
    // What a notice no longer offers is forgotten, with what it would have needed.
    if (!back) undo.value = null;
    if (!notice.value) return;
    // What can be taken back stays longer.
    const t = setTimeout(() => (notice.value = ""), back ? 20_000 : 8000);
    return () => clearTimeout(t);
  }, [notice.value]);
  useEffect(() => {
    const t = setTimeout(() => idle(() => void fetchLikely()), 600);
    return () => clearTimeout(t);
  }, []);
  return (
    <>
      <a class="skip" href="#main">
        {w().skip}
      </a>
      <p class="sr" role="status">
        {announced.value}
      </p>
      <div class="top">
        <header>
          <div class="headin">
            <Link to="/" class="brand">
              {w().brand}
              <small>{top?.name ?? ""}</small>
            </Link>
            <LangButton />
            <StopButton />
          </div>
        </header>
        <StopStrip />
      </div>
      <div class="body">
        <Nav />
        <main id="main" tabIndex={-1}>
          {!live.value && (
            <p class="note warn" role="status">
              <Icon name="warn" />
              <span>{w().offline}</span>
            </p>
          )}
          <p role="status" class={notice.value ? "note good" : "hidden"}>
            {notice.value && <Icon name="check" />}
            <span>{notice.value}</span>
            {notice.value && back && (
              <button type="button" class="text" onClick={() => void takeBack(back)}>
                {w().undo}
              </button>
            )}
          </p>
          <Say refusal={trouble.value} />
          <Here />
        </main>
      </div>
    </>
  );
}

function App() {
  if (me.value === undefined)
    return (
      // As the page's own first picture, so that nothing jumps.
      <div class="login">
        <header class="loginhead">
          <p class="brand">
            {w().brand}
            <small>{w().tagline}</small>
          </p>
        </header>
        {!live.value && (
          <main>
            <p class="note warn" role="status">
              {w().offline}
            </p>
          </main>
        )}
      </div>
    );
  return (
    <>
      {me.value && (
        <div class={over.value ? "hidden" : ""}>
          <Frame key={me.value.id} />
        </div>
      )}
      {(!me.value || over.value) && <LogIn lang={<LangButton />} />}
    </>
  );
}

void load();
// What it keeps for later comes when the page is there; without it, the page needs the network.
if ("serviceWorker" in navigator) addEventListener("load", () => idle(() => void navigator.serviceWorker.register("/sw.js").catch(() => undefined)));
const root = document.getElementById("app");
if (root) render(<App />, root);
