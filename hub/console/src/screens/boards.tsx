import { call } from "../call";
import { api, type AiringBody, type DeviceBody, type LineBody } from "../api";
import { Boards } from "../player";
import { dictionary, unitName, w } from "../state";
import { ago, when } from "../time";
import { Card, Link, Shown, Tag, Title, useLoaded } from "../ui";
import { reasonsOf } from "../health";

const t = dictionary(
  {
    title: "Màn hình LED", none: "Chưa có bảng điện tử nào.", idle: "Đang hiện đồng hồ, ngày và tên xã.", size: (x: string) => `${x} điểm`, plays: "Bản tin đang phát có chữ trên bảng", away: "Không biết bảng đang hiện gì.",
    proof: "Bằng chứng gần nhất", noProof: "Chưa có bằng chứng nào trong bảy ngày qua.",
  },
  {
    title: "LED boards", none: "There is no board yet.", idle: "Shows clock, date and the commune's name.", size: (x: string) => `${x} pixels`, plays: "On air now, with text for boards", away: "What it shows is not known.",
    proof: "Latest proof", noProof: "No proof within seven days.",
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
  const [devices, airings] = await Promise.all([call<DeviceBody[]>("GET", "/devices"), api.airings(new Date(Date.now() - 7 * 86400_000))]);
  const boards = devices.filter((d) => d.board && d.state !== "revoked");
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
            <div class="grid">
              {boards.slice(0, 60).map((d) => (
                <One key={d.id} d={d} airings={airings} proof={lines.find((l) => l.device === d.id)} />
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

function One({ d, airings, proof }: { d: DeviceBody; airings: AiringBody[]; proof: LineBody | undefined }) {
  const on = airings.find((a) => a.id === d.playing) ?? airings.find((a) => a.on_air && here(a, d));
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
        <p>{d.state === "online" ? t().idle : t().away}</p>
      )}
      <p>
        <b>{t().proof}: </b>
        {proof ? `${w().proofs[proof.proof ?? ""] ?? proof.proof} (${when(proof.ended ?? proof.start)})` : t().noProof}
      </p>
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
