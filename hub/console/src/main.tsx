// The page: who is logged in, the address, and the frame around every screen.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { idle, lang, live, load, me, notice, speak, trouble, units, w } from "./state";
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

function Frame() {
  const top = units.value[0];
  useEffect(() => {
    if (!notice.value) return;
    const t = setTimeout(() => (notice.value = ""), 8000);
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
  return me.value ? <Frame /> : <LogIn lang={<LangButton />} />;
}

void load();
if ("serviceWorker" in navigator) void navigator.serviceWorker.register("/sw.js").catch(() => undefined); // without it, the page needs the network
const root = document.getElementById("app");
if (root) render(<App />, root);
