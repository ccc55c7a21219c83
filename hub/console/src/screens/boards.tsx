import { call } from "../call";
import { api, type AiringBody, type DeviceBody } from "../api";
import { Boards } from "../player";
import { dictionary, unitName, w } from "../state";
import { ago } from "../time";
import { Card, Link, Shown, Tag, Title, useLoaded } from "../ui";
import { reasonsOf } from "../health";

const t = dictionary(
  { title: "Màn hình LED", none: "Chưa có bảng điện tử nào.", idle: "Đang hiện đồng hồ, ngày và tên xã.", size: (x: string) => `${x} điểm`, plays: "Bản tin đang phát có chữ trên bảng" },
  { title: "LED boards", none: "There is no board yet.", idle: "Shows clock, date and the commune's name.", size: (x: string) => `${x} pixels`, plays: "On air now, with text for boards" },
);

export function BoardList() {
  const devices = useLoaded("boards", ["device"], async () => (await call<DeviceBody[]>("GET", "/devices")).filter((d) => d.board && d.state !== "revoked"));
  const airings = useLoaded("airings", ["airing"], () => api.airings());
  return (
    <>
      <Title>{t().title}</Title>
      <Shown of={devices}>
        {(list) =>
          list.length ? (
            <div class="grid">
              {list.slice(0, 60).map((d) => (
                <One key={d.id} d={d} airings={airings.data ?? []} />
              ))}
            </div>
          ) : (
            <p class="quiet">{t().none}</p>
          )
        }
      </Shown>
    </>
  );
}

function One({ d, airings }: { d: DeviceBody; airings: AiringBody[] }) {
  const on = airings.find((a) => a.id === d.playing) ?? airings.find((a) => a.on_air && !a.withdrawn && d.path.some((u) => a.units.includes(u)));
  const wrong = reasonsOf(d);
  return (
    <Card title={d.name} aside={<Tag tone={d.state === "online" ? (wrong.length ? "warn" : "good") : "bad"}>{w().deviceStates[d.state]}</Tag>}>
      <p class="quiet">
        {[d.board && t().size(`${d.board.width} × ${d.board.height}`), unitName(d.unit), d.last_heard && w().lastHeard(ago(d.last_heard))].filter(Boolean).join(" · ")}
      </p>
      {wrong.length > 0 && <p class="badtext">{wrong.join(", ")}</p>}
      {on ? (
        <>
          <p>
            <b>{t().plays}: </b>
            <Link to={`/phat/${on.bulletin}`}>{on.title}</Link>
          </p>
          <Preview bulletin={on.bulletin} />
        </>
      ) : (
        <p>{t().idle}</p>
      )}
      <Link to={`/thiet-bi/${d.id}`} class="second">
        {w().devices}
      </Link>
    </Card>
  );
}

function Preview({ bulletin }: { bulletin: string }) {
  const b = useLoaded(bulletin, [], () => api.bulletin(bulletin));
  return b.data?.board ? <Boards bulletin={b.data} /> : null;
}
