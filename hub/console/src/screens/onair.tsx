import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, type AiringBody, type DeviceBody } from "../api";
import { dictionary, unitName, w } from "../state";
import { stop } from "../stop";
import { length } from "../time";
import { Bar, Card, Empty, Lacking, Link, Shown, Tag, Title, useLoaded } from "../ui";
import { call } from "../call";
import { ClassTag, useAirings } from "./today";

const t = dictionary(
  { title: "Đang phát", none: "Không có gì đang phát ở các đơn vị của anh/chị.", playing: (n: number, all: number) => `${n}/${all} thiết bị đang phát`, noneHint: "Khi loa phát, ở đây thấy từng loa phát đến đâu, âm lượng bao nhiêu, và dừng được riêng từng bản tin.", waits: "chưa bắt đầu", volume: (n: number) => `âm lượng ${n}\u00a0%`, done: (a: string, b: string) => `${a} trên ${b}` },
  { title: "On air", none: "Nothing is on air in your units.", playing: (n: number, all: number) => `${n}/${all} devices playing`, noneHint: "While something plays, this page shows how far each loudspeaker is and how loud, and each bulletin can be stopped by itself.", waits: "not begun", volume: (n: number) => `volume ${n}\u00a0%`, done: (a: string, b: string) => `${a} of ${b}` },
);

export function OnAir() {
  const airings = useAirings();
  const devices = useLoaded("devices", ["device", "airing"], async () => {
    const on = (await api.airings()).filter((a) => a.on_air && !a.withdrawn);
    const places = [...new Set(on.flatMap((a) => a.units))];
    const lists = await Promise.all(places.map((u) => call<DeviceBody[]>("GET", `/devices?unit=${encodeURIComponent(u)}`)));
    return [...new Map(lists.flat().map((d) => [d.id, d])).values()];
  });
  return (
    <>
      <Title>{t().title}</Title>
      <Shown of={airings}>
        {(list) => {
          const on = list.filter((a) => a.on_air && !a.withdrawn);
          return on.length ? on.map((a) => <One key={a.id} a={a} devices={devices.data} />) : <Empty icon="play" hint={t().noneHint}>{t().none}</Empty>;
        }}
      </Shown>
      {airings.data && <Lacking of={[devices]} />}
    </>
  );
}

/** Progress is how far a device is, by its own last word and the time since. */
function Progress({ d, now }: { d: DeviceBody; now: number }) {
  const p = d.play;
  if (!p || p.length_ms <= 0) return null;
  const at = Math.min(p.length_ms, p.position_ms + Math.max(0, now - Date.parse(d.last_heard ?? "")));
  const said = t().done(length(at), length(p.length_ms));
  return (
    <>
      <Bar value={at / p.length_ms} />
      <span class="quiet">{[said, p.volume ? t().volume(p.volume) : ""].filter(Boolean).join(", ")}</span>
    </>
  );
}

/** One is an airing with what each of its devices says of itself. */
function One({ a, devices }: { a: AiringBody; devices: DeviceBody[] | undefined }) {
  const here = (devices ?? []).filter((d) => d.state !== "revoked" && d.path.some((u) => a.units.includes(u)));
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const playing = here.filter((d) => d.playing === a.id);
  return (
    <Card title={a.title} tone="live" aside={<ClassTag of={a.class} drill={a.drill} />}>
      <p>
        {a.units.map(unitName).join(", ")}, {length(a.length_ms)}, {t().volume(a.volume)}
      </p>
      {devices && <p class="big">{t().playing(playing.length, here.length)}</p>}
      <button type="button" class="button danger wide" onClick={() => void stop(a.id)}>
        {w().stopThis}
      </button>
      <ul class="rows">
        {here.slice(0, 200).map((d) => {
          const on = d.playing === a.id;
          return (
            <li key={d.id}>
              <Link to={`/thiet-bi/${d.id}`} class="row">
                <b>{d.name}</b>
                <Tag tone={on ? "act" : d.state === "online" ? "" : "bad"}>{on ? w().playingNow : d.state === "online" ? t().waits : w().deviceStates[d.state]}</Tag>
                {on && <Progress d={d} now={now.value} />}
              </Link>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
