// The page: who is logged in, the address, and the frame around every screen.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { lang, live, load, me, notice, path, trouble, units, w, writes } from "./state";
import { StopButton, StopStrip } from "./stop";
import { Icon, Link, Say, Title, type IconName } from "./ui";
import { Aired, AiredList } from "./screens/aired";
import { Approval, Approvals } from "./screens/approve";
import { Compose } from "./screens/compose";
import { Devices } from "./screens/devices";
import { Listen } from "./screens/listen";
import { LogIn } from "./screens/login";
import { Send } from "./screens/send";
import { Today } from "./screens/today";

/** The routes, most particular first; the group is the id that the screen gets. */
const routes: { at: RegExp; screen: (id: string) => preact.JSX.Element }[] = [
  { at: /^\/$/, screen: () => <Today /> },
  { at: /^\/soan$/, screen: () => <Compose key="" id="" /> },
  { at: /^\/soan\/([a-z0-9-]{1,64})$/, screen: (id) => <Compose key={id} id={id} /> },
  { at: /^\/nghe\/([a-z0-9-]{1,64})$/, screen: (id) => <Listen key={id} id={id} /> },
  { at: /^\/gui\/([a-z0-9-]{1,64})$/, screen: (id) => <Send key={id} id={id} /> },
  { at: /^\/duyet$/, screen: () => <Approvals /> },
  { at: /^\/duyet\/([0-9a-f]{64})$/, screen: (id) => <Approval key={id} id={id} /> },
  { at: /^\/phat$/, screen: () => <AiredList /> },
  { at: /^\/phat\/([a-z0-9-]{1,64})$/, screen: (id) => <Aired key={id} id={id} /> },
  { at: /^\/thiet-bi$/, screen: () => <Devices /> },
];

function Lost() {
  return (
    <>
      <Title>{w().notFound}</Title>
      <Link to="/" class="button">
        {w().toToday}
      </Link>
    </>
  );
}

function screenAt(at: string) {
  for (const r of routes) {
    const m = r.at.exec(at);
    if (m) return r.screen(m[1] ?? "");
  }
  return <Lost />;
}

function LangButton() {
  const other = lang.value === "en" ? "vi" : "en";
  return (
    <button type="button" class="ghost" lang={other} aria-label={`${other.toUpperCase()}: ${w().otherLang}`} onClick={() => (lang.value = other)}>
      {other.toUpperCase()}
    </button>
  );
}

function Nav() {
  const items: [string, IconName, string][] = [
    ["/", "today", w().today],
    ["/soan", "compose", w().compose],
    ["/duyet", "approvals", w().approvals],
    ["/phat", "aired", w().aired],
    ["/thiet-bi", "devices", w().devices],
  ];
  const here = "/" + (path.value.split("/")[1] ?? "");
  const step = here === "/nghe" || here === "/gui" ? "/soan" : here;
  return (
    <nav aria-label={w().menu}>
      {items
        .filter(([to]) => to !== "/soan" || writes())
        .map(([to, icon, label]) => (
          <Link key={to} to={to} {...(step === to ? { "aria-current": "page" as const } : {})}>
            <Icon name={icon} />
            <span>{label}</span>
          </Link>
        ))}
    </nav>
  );
}

function Frame() {
  const top = units.value[0];
  const screen = screenAt(path.value);
  useEffect(() => {
    if (!notice.value) return;
    const t = setTimeout(() => (notice.value = ""), 8000);
    return () => clearTimeout(t);
  }, [notice.value]);
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
          {screen}
        </main>
      </div>
    </>
  );
}

function App() {
  if (me.value === undefined)
    return (
      <main class="plain">
        <p class="quiet" role="status">
          {live.value ? w().loading : w().offline}
        </p>
      </main>
    );
  return me.value ? <Frame /> : <LogIn lang={<LangButton />} />;
}

void load();
const root = document.getElementById("app");
if (root) render(<App />, root);
