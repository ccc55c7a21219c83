// Which screen an address shows. Screens come when they are first asked for.
import { useSignal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { ahead } from "./call";
import { me, path, w } from "./state";
import { Link, Loading, Note, Title } from "./ui";
import { Places } from "./nav";
import { Today } from "./screens/today";

type Screen = FunctionComponent<{ id: string }>;

interface Route {
  at: RegExp;
  load: () => Promise<Screen>;
  /** What the screen will ask for first. */
  first?: string;
}

const id = "([a-z0-9-]{1,64})";
const route = (at: string, load: () => Promise<Screen>, first?: string): Route => ({ at: new RegExp(`^/${at}$`), load, ...(first ? { first } : {}) });

const due = route("", () => import("./screens/due").then((m) => m.Due));

/** The routes; the group is the id that the screen gets. */
const routes: Route[] = [
  route("", () => Promise.resolve(Today)),
  route("trang", () => Promise.resolve(Places)),
  route("soan", () => import("./screens/compose").then((m) => m.Compose)),
  route(`soan/${id}`, () => import("./screens/compose").then((m) => m.Compose)),
  route(`nhap/${id}`, () => import("./screens/compose").then((m) => m.Resume)),
  route(`nghe/${id}`, () => import("./screens/listen").then((m) => m.Listen)),
  route(`gui/${id}`, () => import("./screens/send").then((m) => m.Send)),
  route("duyet", () => import("./screens/approve").then((m) => m.Approvals)),
  route("duyet/([0-9a-f]{64})", () => import("./screens/approve").then((m) => m.Approval)),
  route("phat", () => import("./screens/aired").then((m) => m.AiredList)),
  route(`phat/${id}`, () => import("./screens/aired").then((m) => m.Aired)),
  route("thiet-bi", () => import("./screens/devices").then((m) => m.Devices), "/device-table"),
  route("thiet-bi/nhap", () => import("./screens/devicesheet").then((m) => m.DeviceSheet)),
  route("thiet-bi/them", () => import("./screens/device").then((m) => m.AddDevice)),
  route(`thiet-bi/${id}`, () => import("./screens/device").then((m) => m.Device)),
  route("lich", () => import("./screens/calendar").then((m) => m.Calendar)),
  route("dang-phat", () => import("./screens/onair").then((m) => m.OnAir)),
  route("khan-cap", () => import("./screens/emergency").then((m) => m.Emergency)),
  route("dien-tap", () => import("./screens/emergency").then((m) => m.Drill)),
  route("bang", () => import("./screens/boards").then((m) => m.BoardList)),
  route("kho", () => import("./screens/library").then((m) => m.Library)),
  route("tiep-song", () => import("./screens/relays").then((m) => m.Relays)),
  route(`tiep-song/${id}`, () => import("./screens/relays").then((m) => m.Programme)),
  route(`truc-tiep/${id}`, () => import("./screens/live").then((m) => m.Live)),
  route("nguoi-dung", () => import("./screens/people").then((m) => m.People)),
  route("nguoi-duyet", () => import("./screens/approvers").then((m) => m.Approvers)),
  route("canh-bao", () => import("./screens/alerts").then((m) => m.Alerts)),
  route("nhat-ky", () => import("./screens/log").then((m) => m.Log)),
  route("cai-dat", () => import("./screens/settings").then((m) => m.Settings)),
  route("don-vi", () => import("./screens/units").then((m) => m.Units)),
  route("ban-do", () => import("./screens/draw").then((m) => m.Draw)),
];

const loaded = new Map<Route, Screen>();

const keep = async (r: Route): Promise<void> => void loaded.set(r, await r.load());

/** likely are the screens that most people open next, the largest lists first. */
const likely = ["/thiet-bi", "/duyet", "/lich", "/dang-phat", "/phat"];

/** fetchLikely gets them while the page rests, one after the other, unless the line is to be spared. */
export async function fetchLikely(): Promise<void> {
  if ((navigator as { connection?: { saveData?: boolean } }).connection?.saveData) return;
  for (const at of likely) {
    const r = routes.find((x) => x.at.test(at));
    if (r && !loaded.has(r)) await keep(r).catch(() => undefined);
  }
}

export function Lost() {
  return (
    <>
      <Title>{w().notFound}</Title>
      <Link to="/" class="button">
        {w().toToday}
      </Link>
    </>
  );
}

/** Here shows the screen of the present address. */
export function Here() {
  const at = path.value;
  const found = me.value?.due ? due : routes.find((r) => r.at.test(at));
  const turn = useSignal(0);
  const failed = useSignal("");
  useEffect(() => {
    if (!found || loaded.has(found)) return;
    if (found.first) ahead(found.first);
    keep(found).then(
      () => {
        failed.value = "";
        turn.value++;
        requestAnimationFrame(() => document.querySelector<HTMLElement>("h1")?.focus());
      },
      () => (failed.value = at),
    );
  }, [found, turn.value]);
  if (!found) return <Lost />;
  const Screen = turn.value >= 0 ? loaded.get(found) : undefined;
  if (Screen) return <Screen key={`${at} ${me.value?.id ?? ""}`} id={found.at.exec(at)?.[1] ?? ""} />;
  if (failed.value === at)
    return (
      <Note tone="warn">
        {w().screenAway}{" "}
        <button type="button" class="text" onClick={() => location.reload()}>
          {w().retry}
        </button>
      </Note>
    );
  return <Loading />;
}
