import { call } from "../call";
import { api, type AiringBody, type DeviceBody, type LineBody } from "../api";
import { Limits } from "../limits";
import { Boards } from "../player";
import { Levels, proofOf, Seen, Sight } from "../sighting";
import { administers, dictionary, installs, schedules, unitName, w } from "../state";
import { ago, when } from "../time";
import { Card, Empty, Link, Shown, Tag, Title, useLoaded } from "../ui";
import { reasonsOf } from "../health";

const t = dictionary(
  {
    title: "Màn hình LED", none: "Chưa có bảng điện tử nào.", noneHint: "Thêm bảng ở trang Thiết bị; khi lắp xong, ở đây thấy bảng đang hiện gì và chứng minh đến đâu.", idle: "Đang hiện đồng hồ, ngày và tên nơi đặt.", size: (x: string) => `${x} điểm`, plays: "Bản tin đang phát có chữ trên bảng", away: "Không biết bảng đang hiện gì.",
    proof: "Bằng chứng gần nhất", noProof: "Chưa có bằng chứng nào trong bảy ngày qua.", light: (n: number) => `độ sáng ${n}\u00a0%`, layouts: { notice: "Thông báo", "two-line": "Hai dòng", ticker: "Chữ chạy", picture: "Ảnh kèm chữ", emergency: "Khẩn cấp", drill: "Diễn tập" } as Record<string, string>, layout: "Mẫu trình bày", device: "Xem thiết bị", of: "Của bản tin",
  },
  {
    title: "LED boards", none: "There is no board yet.", noneHint: "Add a board on the page Devices; once it is installed, this page shows what it displays and how far that is proved.", idle: "Shows clock, date and the name of its place.", size: (x: string) => `${x} pixels`, plays: "On air now, with text for boards", away: "What it shows is not known.",
    proof: "Latest proof", noProof: "No proof within seven days.", light: (n: number) => `brightness ${n}\u00a0%`, layouts: { notice: "Notice", "two-line": "Two lines", ticker: "Running text", picture: "Picture and text", emergency: "Emergency", drill: "Drill" } as Record<string, string>, layout: "Template", device: "See the device", of: "Of",
  },
);

/** here says whether an airing is meant for a device. */
const here = (a: AiringBody, d: DeviceBody): boolean => !a.withdrawn && d.path.some((u) => a.units.includes(u));

/** latest is what a board showed last, or shows. */
const latest = (d: DeviceBody, airings: AiringBody[]): AiringBody | undefined =>
  airings.filter((a) => here(a, d) && Date.parse(a.first) < Date.now()).sort((a, b) => b.first.localeCompare(a.first))[0];

/** proofsAsked bounds how many bulletins are asked about. */
const proofsAsked = 12;

interface All {
  boards: DeviceBody[];
  airings: AiringBody[];
  lines: LineBody[]; // of boards, newest first
}

async function load(): Promise<All> {
  const [devices, airings] = await Promise.all([call<DeviceBody[]>("GET", "/devices?boards=true"), api.airings(new Date(Date.now() - 7 * 86400_000))]);
  const boards = devices.filter((d) => d.state !== "revoked");
  const asked = [...new Set(boards.map((d) => latest(d, airings)?.bulletin))].filter((b) => b !== undefined).slice(0, proofsAsked);
  const reached = await Promise.all(asked.map((b) => api.reach(b)));
  const lines = reached.flatMap((r) => r.lines).filter((l) => l.medium === "board" && l.proof);
  return { boards, airings, lines: lines.sort((a, b) => b.start.localeCompare(a.start)) };
}

export function BoardList() {
  const all = useLoaded("boards", ["device", "airing", "receipt"], load);
  return (
    <>
      <Title>{t().title}</Title>
      <Shown of={all}>
        {({ boards, airings, lines }) =>
          boards.length ? (
            <>
              <div class="grid">
                {boards.slice(0, 60).map((d) => (
                  <One key={d.id} d={d} airings={airings} proof={lines.find((l) => l.device === d.id)} />
                ))}
              </div>
              {(schedules() || installs() || administers()) && <Limits of="light" />}
            </>
          ) : (
            <Empty icon="board" hint={t().noneHint}>
              {t().none}
            </Empty>
          )
        }
      </Shown>
    </>
  );
}

function One({ d, airings, proof }: { d: DeviceBody; airings: AiringBody[]; proof: LineBody | undefined }) {
  const on = airings.find((a) => a.id === d.playing) ?? airings.find((a) => a.on_air && here(a, d));
  const wrong = reasonsOf(d);
  const was = proof && airings.find((a) => a.id === proof.airing);
  return (
    <Card title={d.name} aside={<Tag tone={d.state === "online" ? (wrong.length ? "warn" : "good") : "bad"}>{w().deviceStates[d.state]}</Tag>}>
      <p class="quiet">
        {[d.board && t().size(`${d.board.width} × ${d.board.height}`), unitName(d.unit), d.state === "online" && d.light ? t().light(d.light) : "", d.last_heard && w().lastHeard(ago(d.last_heard))].filter(Boolean).join(" · ")}
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
        <p>{d.state === "online" ? t().idle : t().away}</p>
      )}
      <div class="stack">
        <p>
          <b>{t().proof}: </b>
          {proof ? (
            <>
              {proofOf(proof)} ({when(proof.ended ?? proof.start)}){was && was !== on ? `. ${t().of} “${was.title}”.` : ""}
            </>
          ) : (
            t().noProof
          )}
        </p>
        {proof?.proof && <Levels proof={proof.proof} />}
        {(proof?.seen || proof?.lit) && (
          <p>
            <Seen line={proof} />
          </p>
        )}
        {proof && !proof.seen && (schedules() || installs()) && <Sight line={proof} name={d.name} />}
      </div>
      <Link to={`/thiet-bi/${d.id}`} class="second">
        {t().device}
        <span class="sr">: {d.name}</span>
      </Link>
    </Card>
  );
}

function Preview({ bulletin }: { bulletin: string }) {
  const b = useLoaded(bulletin, [], () => api.bulletin(bulletin));
  return b.data?.board ? (
    <>
      <p class="quiet">
        {t().layout}: {t().layouts[b.data.layout] ?? b.data.layout}
      </p>
      <Boards bulletin={b.data} />
    </>
  ) : null;
}
