import { api, type AiringBody, type ApprovalBody, type BulletinBody, type DevicesNow, type DraftBody, type ProgrammeBody, type SilentVillage } from "../api";
import { useEffect, useRef } from "preact/hooks";
import { announce, approves, logOut, me, schedules, unitName, w, writes } from "../state";
import { ago, length, when } from "../time";
import { stop } from "../stop";
import { Card, Icon, Lacking, Link, Tag, Title, useLoaded, type Loaded } from "../ui";
import { current, hasDraft } from "../draft";
import { waiting } from "../outbox";
import { reasonsOf } from "../health";

/** ClassTag names a class, unless it is the normal one. */
export function ClassTag({ of, drill }: { of: string; drill?: boolean | undefined }) {
  if (drill) return <Tag tone="drill">{w().drillWord}</Tag>;
  if (of === "emergency") return <Tag tone="bad">{w().emergency}</Tag>;
  return of === "priority" ? <Tag tone="warn">{w().priority}</Tag> : null;
}

/** useAirings follows what is on air and what comes next, and says what begins and what ends. */
export function useAirings(...kinds: string[]): Loaded<AiringBody[]> {
  const airings = useLoaded("airings", ["airing", "receipt", "bulletin", ...kinds], () => api.airings());
  const list = airings.data;
  // Nobody tells that an hour has come.
  useEffect(() => {
    if (!list) return;
    const live = list.filter((a) => !a.withdrawn);
    const next = Math.min(...live.map((a) => (a.next ? Date.parse(a.next) - Date.now() : Infinity)));
    const wait = Math.min(next > 0 ? next + 500 : 5000, live.some((a) => a.on_air) ? 5000 : 3600_000);
    const timer = setInterval(airings.again, wait);
    return () => clearInterval(timer);
  }, [list]);
  useTold(list);
  return airings;
}

function useTold(list: AiringBody[] | undefined): void {
  const before = useRef<Map<string, string>>(undefined);
  useEffect(() => {
    if (!list) return;
    const now = new Map(list.filter((a) => a.on_air && !a.withdrawn).map((a) => [a.id, a.title]));
    const was = before.current ?? now;
    before.current = now;
    const apart = (x: Map<string, string>, y: Map<string, string>) => [...x].filter(([id]) => !y.has(id)).map(([, title]) => title).join(", ");
    const [begun, ended] = [apart(now, was), apart(was, now)];
    if (begun || ended) announce([begun && w().begunNow(begun), ended && w().endedNow(ended)].filter(Boolean).join(" "));
  }, [list]);
}

const places = (units: string[]): string => units.map(unitName).join(", ");

function OnAir({ list }: { list: AiringBody[] }) {
  const on = list.filter((a) => a.on_air && !a.withdrawn);
  return (
    <Card title={w().onAir} tone={on.length ? "live" : ""}>
      {on.length === 0 && <p class="quiet">{w().nothingOnAir}</p>}
      <ul class="rows">
        {on.map((a) => (
          <li key={a.id}>
            <Link to={`/phat/${a.bulletin}`} class="row">
              <b>{a.title}</b>
              <ClassTag of={a.class} drill={a.drill} />
              <span class="quiet">
                {places(a.units)}, {length(a.length_ms)}
              </span>
            </Link>
            <button type="button" class="second stopone" onClick={() => void stop(a.id)}>
              {w().stopThis}
            </button>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Next({ list }: { list: AiringBody[] }) {
  const next = list
    .filter((a) => a.next && !a.withdrawn)
    .sort((a, b) => (a.next ?? "").localeCompare(b.next ?? ""))
    .slice(0, 5);
  return (
    <Card title={w().next}>
      {next.length === 0 && <p class="quiet">{w().nothingNext}</p>}
      <ul class="rows">
        {next.map((a) => (
          <li key={a.id}>
            <Link to={`/phat/${a.bulletin}`} class="row">
              <b>{a.next && when(a.next)}</b>
              <ClassTag of={a.class} drill={a.drill} />
              <span>{a.title}</span>
              <span class="quiet">
                {places(a.units)}
                {a.rule ? `, ${w().repeats}` : ""}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** waitsFor says what a bulletin of one's own waits for, and where to go on. */
function waitsFor(b: BulletinBody): [string, string] | undefined {
  switch (b.state) {
    case "preparing":
      return [w().making, `/nghe/${b.id}`];
    case "failed":
      return [w().failedSound, `/nghe/${b.id}`];
    case "ready":
      return [w().readyToSend, `/nghe/${b.id}`];
    case "returned":
      return [w().returned, `/soan/${b.id}`];
    default:
      return undefined;
  }
}

function Waiting({ bulletins, requests, drafts, programmes }: { bulletins: BulletinBody[]; requests: ApprovalBody[]; drafts: DraftBody[]; programmes: ProgrammeBody[] }) {
  const self = me.value?.id ?? "";
  const mine = bulletins.filter((b) => b.author === self && waitsFor(b)).slice(0, 8);
  const toSign = requests.filter((r) => approves() && r.bulletin.author !== self && !r.signed.includes(self));
  const others = requests.filter((r) => r.bulletin.author === self);
  const here = hasDraft() ? current() : "";
  const elsewhere = drafts.filter((d) => d.id !== here && !bulletins.some((b) => b.id === d.id)).slice(0, 5);
  const draft = writes() && here !== "";
  const toAnswer = programmes.filter((p) => p.asked.length);
  const none = !mine.length && !toSign.length && !toAnswer.length && !others.length && !draft && !elsewhere.length && !waiting.value;
  return (
    <Card title={w().waiting}>
      {none && <p class="quiet">{w().nothingWaiting}</p>}
      <ul class="rows">
        {toSign.map((r) => (
          <li key={r.id}>
            <Link to={`/duyet/${r.id}`} class="row">
              <b>{r.bulletin.title}</b>
              <Tag tone="act">{w().toApprove}</Tag>
              <ClassTag of={r.bulletin.class} drill={r.drill} />
            </Link>
          </li>
        ))}
        {toAnswer.map((p) => (
          <li key={p.id}>
            <Link to={`/tiep-song/${p.id}`} class="row">
              <b>{p.name}</b>
              <Tag tone="act">{w().toAnswer}</Tag>
              <span class="quiet">{[p.unit_name, p.next && when(p.next)].filter(Boolean).join(", ")}</span>
            </Link>
          </li>
        ))}
        {draft && (
          <li>
            <Link to="/soan" class="row">
              <b>{w().localDraft}</b>
              <Tag>{w().drafts}</Tag>
            </Link>
          </li>
        )}
        {elsewhere.map((d) => (
          <li key={d.id}>
            <Link to={`/nhap/${d.id}`} class="row">
              <b>{d.title || w().localDraft}</b>
              <Tag>{w().drafts}</Tag>
              <span class="quiet">{when(d.changed)}</span>
            </Link>
          </li>
        ))}
        {waiting.value > 0 && <li class="row">{w().waitsForNet(waiting.value)}</li>}
        {mine.map((b) => (
          <li key={b.id}>
            <Link to={waitsFor(b)?.[1] ?? "/"} class="row">
              <b>{b.title}</b>
              <Tag tone={b.state === "failed" || b.state === "returned" ? "bad" : ""}>{waitsFor(b)?.[0]}</Tag>
              {b.problem && <span class="quiet">{b.problem}</span>}
            </Link>
          </li>
        ))}
        {others.map((r) => (
          <li key={r.id}>
            <Link to={`/duyet/${r.id}`} class="row">
              <b>{r.bulletin.title}</b>
              <Tag>{w().waitsForOthers}</Tag>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Down({ now }: { now: DevicesNow }) {
  return (
    <Card title={w().devices} aside={now.all > 0 && <Tag tone={now.online === now.all ? "good" : "bad"}>{w().devicesUp(now.online, now.all)}</Tag>}>
      {now.all === 0 && <p class="quiet">{w().noDevices}</p>}
      {now.all > 0 && now.trouble === 0 && <p class="quiet">{w().allUp}</p>}
      <ul class="rows">
        {now.worst.map((d) => (
          <li key={d.id}>
            <Link to={`/thiet-bi/${d.id}`} class="row">
              <b>{d.name}</b>
              <Tag tone={d.state === "online" ? "warn" : d.state === "waiting" ? "" : "bad"}>{w().deviceStates[d.state]}</Tag>
              <span class="quiet">{[...reasonsOf(d), d.state === "offline" && d.last_heard ? w().lastHeard(ago(d.last_heard)) : ""].filter(Boolean).join(", ")}</span>
            </Link>
          </li>
        ))}
      </ul>
      {now.trouble > now.worst.length && <Link to="/thiet-bi">{w().seeAll}</Link>}
    </Card>
  );
}

/** Silent lists the villages that have heard nothing in two slots: the first thing to know. */
function Silent({ list }: { list: SilentVillage[] }) {
  if (!list.length) return null;
  return (
    <Card title={w().silentVillages} tone="alarm" aside={<Tag tone="bad">{list.length}</Tag>}>
      <ul class="rows">
        {list.slice(0, 8).map((v) => (
          <li key={v.unit}>
            <Link to="/canh-bao" class="row">
              <b>{unitName(v.unit)}</b>
              <span class="quiet">{w().silentSince(when(v.since), v.devices)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {list.length > 8 && <Link to="/canh-bao">{w().seeAll}</Link>}
    </Card>
  );
}

export function Today() {
  const airings = useAirings("device");
  const devices = useLoaded("devices", ["device"], api.devicesNow);
  const drafts = useLoaded("drafts", ["bulletin"], api.drafts);
  const bulletins = useLoaded("bulletins", ["bulletin"], api.bulletins);
  const silent = useLoaded("silent", ["alert"], api.silent);
  const requests = useLoaded("requests", ["bulletin"], api.approvals);
  const programmes = useLoaded("programmes", ["programme"], () => (schedules() ? api.programmes() : Promise.resolve([])));
  return (
    <>
      <Title>{w().today}</Title>
      {writes() && (
        <Link to="/soan" class="button wide">
          <Icon name="compose" />
          {w().composeBulletin}
        </Link>
      )}
      <div class="grid">
        {airings.data && <OnAir list={airings.data} />}
        {bulletins.data && requests.data && drafts.data && programmes.data && <Waiting bulletins={bulletins.data} requests={requests.data} drafts={drafts.data} programmes={programmes.data} />}
        {silent.data && <Silent list={silent.data} />}
        {airings.data && <Next list={airings.data} />}
        {devices.data && <Down now={devices.data} />}
      </div>
      <Lacking of={[airings, bulletins, requests, drafts, programmes, silent, devices]} />
      <p class="who">
        <span>{me.value?.name}</span>
        <button type="button" class="second" onClick={() => void logOut()}>
          <Icon name="out" />
          {w().logOut}
        </button>
      </p>
    </>
  );
}
