import { useSignal } from "@preact/signals";
import { api, type AiringBody, type BulletinBody, type DeviceBody, type LineBody, type ReachBody } from "../api";
import { Countdown } from "../countdown";
import { Boards, Player } from "../player";
import { Map, mapOf } from "../map";
import { Seen, Sight } from "../sighting";
import { done, installs, notice, schedules, touch, unitName, units, w, writes } from "../state";
import { Events } from "./live";
import { clockExact, dayOf, length, number, when } from "../time";
import { Bar, Card, Check, Empty, Lacking, Link, Note, Shown, Tag, Title, useBusy, useLoaded } from "../ui";
import { ClassTag } from "./today";

export function AiredList() {
  const bulletins = useLoaded("bulletins", ["bulletin"], api.bulletins);
  const most = useSignal(40);
  return (
    <>
      <Title>{w().airedTitle}</Title>
      <Shown of={bulletins}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon="aired" hint={w().nothingAiredHint} {...(writes() ? { to: "/soan", verb: w().composeBulletin } : {})}>
              {w().nothingAired}
            </Empty>
          ) : (
            <>
              <ul class="rows cards">
                {list.slice(0, most.value).map((b) => (
                  <li key={b.id}>
                    <Link to={b.state === "approved" ? `/phat/${b.id}` : b.state === "returned" && writes() ? `/soan/${b.id}` : b.state === "submitted" ? "/duyet" : writes() ? `/nghe/${b.id}` : `/phat/${b.id}`} class="row">
                      <b>{b.title}</b>
                      <ClassTag of={b.class} drill={b.options.drill} />
                      <Tag tone={b.state === "approved" ? "good" : b.state === "returned" || b.state === "failed" ? "bad" : ""}>{w().state[b.state]}</Tag>
                      {b.state === "approved" && <Played id={b.id} />}
                      <span class="quiet">
                        {b.author_name}, {when(b.changed)}
                      </span>
                    </Link>
                  </li>
                ))}
              </ul>
              {list.length > most.value && (
                <button type="button" class="second wide" onClick={() => (most.value += 40)}>
                  {w().seeMore}
                </button>
              )}
            </>
          )
        }
      </Shown>
    </>
  );
}

/** Played is a bulletin's result in a word. */
function Played({ id }: { id: string }) {
  const reach = useLoaded(id, ["airing", "receipt"], () => api.reach(id));
  const r = reach.data;
  return r && r.expected > 0 ? <Tag tone={r.played === r.expected ? "good" : "warn"}>{w().playedOf(r.played, r.expected)}</Tag> : null;
}

export function Aired({ id }: { id: string }) {
  const bulletin = useLoaded(id, ["bulletin"], () => api.bulletin(id));
  const reach = useLoaded(id, ["airing", "receipt", "bulletin"], () => api.reach(id));
  const devices = useLoaded("devices", ["device"], api.devices);
  const airings = useLoaded(id, ["airing", "receipt", "bulletin"], () => api.airings(new Date(0)));
  return (
    <>
      <Title back="/phat">{bulletin.data?.title ?? w().airedTitle}</Title>
      <Shown of={bulletin}>
      {(b) => (
        <>
          <p class="tags">
            <ClassTag of={b.class} drill={b.options.drill} />
            <Tag tone={b.state === "approved" ? "good" : ""}>{w().state[b.state]}</Tag>
            <span class="quiet">
              {b.author_name}, {when(b.changed)}
            </span>
          </p>
          <Shown of={reach}>
            {(r) => (
              <>
                <Figures r={r} />
                <p class="pair wrap noprint">
                  <a class="second" href={`/api/v1/bulletins/${b.id}/reach.xlsx`} download>
                    {w().sheet}
                  </a>
                  <button type="button" class="second" onClick={() => print()}>
                    {w().print}
                  </button>
                </p>
                <Lacking of={[airings, devices]} />
                {airings.data && <Airings b={b} r={r} list={airings.data.filter((a) => a.bulletin === b.id)} devices={devices.data ?? []} />}
                <Villages r={r} unit={b.unit} />
                <Lines r={r} devices={devices.data ?? []} />
              </>
            )}
          </Shown>
          {b.relay && <Events bulletin={b.id} />}
          <Card title={w().whatItSays}>
            {b.sound && <Player bulletin={b} />}
            {b.text && (
              <p class="said" lang={b.language}>
                {b.text}
              </p>
            )}
            {b.board && <Boards bulletin={b} />}
            {writes() && (
              <Link to={`/soan/${b.id}`} class="second">
                {w().edit}
              </Link>
            )}
          </Card>
        </>
      )}
      </Shown>
    </>
  );
}

/** Where is the map that the commune has drawn, coloured by what was played. */
function Where({ r, unit }: { r: ReachBody; unit: string }) {
  const commune = units.value.find((u) => u.id === unit);
  const map = useLoaded(unit, ["place"], () => mapOf(commune?.kind === "village" && commune.parent ? commune.parent : unit));
  if (!map.data?.length) return null;
  const tint = (id: string) => {
    const v = r.villages.find((x) => x.unit === id);
    return v && { value: v.people ? v.reached / v.people : undefined, label: w().reachLine(number(v.reached), number(v.people)) };
  };
  return <Map shapes={map.data} tint={tint} label={w().byVillage} />;
}

function Figures({ r }: { r: ReachBody }) {
  if (r.expected === 0 && r.ahead === 0) return <p class="quiet">{w().noLines}</p>;
  const parts: [keyof typeof r, string, string][] = [
    ["played", w().outcomes.played, "good"],
    ["cut", w().outcomes.cut, "warn"],
    ["skipped", w().outcomes.skipped, "bad"],
    ["unknown", w().outcomes.unknown, ""],
    ["ahead", w().outcomes.ahead, ""],
  ];
  const share = (n: number) => (r.people > 0 ? n / r.people : 0);
  return (
    <Card tone="result">
      <p class="big">{w().playedOf(r.played, r.expected)}</p>
      <ul class="counts">
        {parts
          .filter(([k]) => k === "played" || Number(r[k]) > 0)
          .map(([k, label, tone]) => (
            <li key={k} class={tone}>
              <b>{number(Number(r[k]))}</b> {label}
            </li>
          ))}
      </ul>
      {r.people > 0 && (
        <>
          <Bar value={share(r.reached)} unsure={share(r.maybe)} />
          <p>
            {w().reachLine(number(r.reached), number(r.people))}
            {r.maybe > 0 && `, ${w().maybeLine(number(r.maybe))}`}
          </p>
        </>
      )}
      <p class="hint">{w().reachNote}</p>
    </Card>
  );
}

/** natural orders names as people do: 2 before 10. */
const natural = new Intl.Collator("vi", { numeric: true }).compare;

/** Villages lists where it was played; those that are not reached come first. */
function Villages({ r, unit }: { r: ReachBody; unit: string }) {
  if (r.villages.length === 0) return null;
  const whole = (v: ReachBody["villages"][number]) => Number(v.reached >= v.people);
  return (
    <Card title={w().byVillage}>
      <Where r={r} unit={unit} />
      <ul class="rows">
        {[...r.villages]
          .sort((a, b) => whole(a) - whole(b) || natural(a.name, b.name))
          .map((v) => (
            <li key={v.unit} class="row">
              <b>{v.name}</b>
              <span class="quiet">
                {number(v.reached)}/{w().people(number(v.people))}
                {v.unknown > 0 && `, ${w().maybeLine(number(v.unknown))}`}
              </span>
              <Bar value={v.people ? v.reached / v.people : 0} unsure={v.people ? v.unknown / v.people : 0} />
            </li>
          ))}
      </ul>
    </Card>
  );
}

const tones: Record<LineBody["outcome"], string> = { played: "good", cut: "warn", skipped: "bad", lost: "bad", unknown: "warn", ahead: "" };

function Lines({ r, devices }: { r: ReachBody; devices: DeviceBody[] }) {
  const only = useSignal(false);
  if (r.lines.length === 0) return null;
  const name = (id: string): string => devices.find((d) => d.id === id)?.name ?? id;
  const fine = (l: LineBody) => Number(["played", "ahead"].includes(l.outcome));
  const lines = r.lines
    .filter((l) => !only.value || !fine(l))
    .sort((a, b) => b.start.localeCompare(a.start) || fine(a) - fine(b) || natural(name(a.device), name(b.device)));
  return (
    <Card title={w().byDevice}>
      {r.played < r.expected && <Check label={w().onlyTrouble} checked={only.value} onPick={(v) => (only.value = v)} />}
      <ul class="rows">
        {lines.slice(0, 300).map((l) => (
          <li key={l.airing + l.device + l.medium + l.start} class="row line">
            <b>{name(l.device)}</b>
            <Tag tone={tones[l.outcome]}>{w().outcomes[l.outcome]}</Tag>
            <span class="quiet">
              {w().medium[l.medium]}, {when(l.start)}
              {l.began && l.ended && ` (${clockExact(l.began)}–${clockExact(l.ended)})`}
            </span>
            <span>{why(l)}</span>
            <Seen line={l} />
            {l.medium === "board" && l.proof && !l.seen && (schedules() || installs()) && <Sight line={l} name={name(l.device)} />}
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** why says in words what a device has answered, and no more than it has proved. */
function why(l: LineBody): string {
  const parts = [
    l.reason ? (w().reasons[l.reason] ?? l.reason) : "",
    l.proof ? (l.outcome === "cut" && l.proof === "consumed" ? w().cutProof : (w().proofs[l.proof] ?? l.proof)) : "",
    l.voice ? (w().voices[l.voice] ?? l.voice) : "",
    l.outcome === "unknown" ? w().outcomeUnknown : "",
  ].filter(Boolean);
  const text = parts.join("; ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** missed lists the villages served by devices that did not play the last start, to send to again. */
function missed(r: ReachBody, devices: DeviceBody[]): string[] {
  const played = new Set(r.lines.filter((l) => l.outcome === "played").map((l) => l.device));
  const out = new Set<string>();
  for (const l of r.lines) {
    if (["played", "ahead", "unknown"].includes(l.outcome) || played.has(l.device)) continue;
    const d = devices.find((x) => x.id === l.device);
    if (d) out.add(d.unit);
  }
  return [...out];
}

function Airings({ b, r, list, devices }: { b: BulletinBody; r: ReachBody; list: AiringBody[]; devices: DeviceBody[] }) {
  const [busy, run] = useBusy();
  const counting = useSignal<string[] | null>(null); // the units in which it goes on air again in a moment
  const ahead = list.filter((a) => !a.withdrawn && (a.next || a.on_air));
  const approval = useLoaded(list[0]?.approval ?? "", [], () => (list[0] ? api.approval(list[0].approval) : Promise.resolve(undefined)));
  if (list.length === 0 || !schedules()) return null;
  const places = missed(r, devices);
  const today = list.filter((a) => !a.withdrawn && dayOf(new Date(a.first)) === dayOf(new Date())).length;
  const left = (approval.data?.plays_per_day ?? 0) > today && dayOf(new Date()) <= (approval.data?.last_day ?? "");
  const again = (units: string[]) =>
    run(async () => {
      await api.again(list[0]?.approval ?? "", { units, when: "now", ...(b.options.drill ? { drill: true } : {}), ...(b.wish?.volume ? { volume: b.wish.volume } : {}) });
      notice.value = w().airedAgain;
      touch("receipt", "bulletin");
      scrollTo(0, 0);
    });
  const withdraw = (a: AiringBody) =>
    run(async () => {
      await api.withdraw(a.id);
      const wish = { units: a.units, when: a.rule ? ("rule" as const) : ("at" as const), start: a.start, volume: a.volume, ...(a.rule ? { rule: a.rule } : {}), ...(a.drill ? { drill: true } : {}) };
      // What has begun is not begun again by taking this back.
      if (a.class !== "emergency" && Date.parse(a.first) > Date.now())
        done(w().withdrew, async () => {
          await api.again(a.approval, wish);
          touch("airing", "bulletin");
        });
      else notice.value = w().withdrew;
      touch("receipt", "bulletin");
      scrollTo(0, 0);
    });
  return (
    <Card title={w().starts}>
      <ul class="rows">
        {list.slice(0, 20).map((a) => (
          <li key={a.id} class="row">
            <b>{when(a.next ?? a.first)}</b>
            {a.on_air && <Tag tone="act">{w().onAir}</Tag>}
            {a.withdrawn && <Tag>{w().withdrawn}</Tag>}
            {!a.withdrawn && !a.next && !a.on_air && <span class="quiet">{w().finished}</span>}
            <span class="quiet">
              {a.units.map(unitName).join(", ")}, {length(a.length_ms)}
              {a.rule ? `, ${w().repeats}` : ""}
            </span>
            {ahead.includes(a) && (
              <button type="button" class="second" aria-disabled={busy} onClick={() => void withdraw(a)}>
                {w().withdraw}
              </button>
            )}
          </li>
        ))}
      </ul>
      {counting.value && (
        <Countdown
          onEnd={() => {
            void again(counting.value ?? []);
            counting.value = null;
          }}
          onCancel={(slept) => {
            counting.value = null;
            notice.value = slept ? w().countdownSlept : w().againStopped;
          }}
        />
      )}
      {b.state === "approved" && !counting.value && places.length > 0 && (
        <>
          <button type="button" class="button wide" aria-disabled={busy} onClick={() => (counting.value = places)}>
            {w().againTo(places.length > 2 ? w().places(places.length) : places.map(unitName).join(", "))}
          </button>
          <p class="hint">
            {places.length > 2 && `${places.map(unitName).join(", ")}. `}
            {w().againEach}
          </p>
        </>
      )}
      {b.state === "approved" && !counting.value && places.length === 0 && ahead.length === 0 && left && (
        <button type="button" class="second wide" aria-disabled={busy} onClick={() => (counting.value = [])}>
          {w().againAll}
        </button>
      )}
      {r.unknown > 0 && <Note>{w().outcomeUnknown}</Note>}
    </Card>
  );
}
