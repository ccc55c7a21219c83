import { api, type AiringBody, type DeviceBody } from "../api";
import { dictionary, unitName, w } from "../state";
import { stop } from "../stop";
import { length } from "../time";
import { Card, Link, Shown, Tag, Title, useLoaded } from "../ui";
import { call } from "../call";
import { ClassTag } from "./today";

const t = dictionary(
  { title: "Đang phát", none: "Không có gì đang phát ở các đơn vị của anh/chị.", playing: (n: number, all: number) => `${n}/${all} thiết bị đang phát`, waits: "chưa bắt đầu", volume: (n: number) => `âm lượng ${n} %` },
  { title: "On air", none: "Nothing is on air in your units.", playing: (n: number, all: number) => `${n}/${all} devices playing`, waits: "not begun", volume: (n: number) => `volume ${n} %` },
);

export function OnAir() {
  const airings = useLoaded("airings", ["airing", "receipt", "bulletin"], () => api.airings());
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
          return on.length ? on.map((a) => <One key={a.id} a={a} devices={devices.data ?? []} />) : <p class="quiet">{t().none}</p>;
        }}
      </Shown>
    </>
  );
}

/** One is an airing with what each of its devices says of itself. */
function One({ a, devices }: { a: AiringBody; devices: DeviceBody[] }) {
  const here = devices.filter((d) => d.state !== "revoked" && d.path.some((u) => a.units.includes(u)));
  const playing = here.filter((d) => d.playing === a.id);
  return (
    <Card title={a.title} tone="live" aside={<ClassTag of={a.class} drill={a.drill} />}>
      <p>
        {a.units.map(unitName).join(", ")}, {length(a.length_ms)}, {t().volume(a.volume)}
      </p>
      <p class="big">{t().playing(playing.length, here.length)}</p>
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
              </Link>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
