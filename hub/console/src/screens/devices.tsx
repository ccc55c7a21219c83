import { useSignal } from "@preact/signals";
import { api, type DeviceBody } from "../api";
import { unitName, w } from "../state";
import { ago } from "../time";
import { plain, reasonsOf } from "../health";
import { Field, Icon, Shown, Tag, Title, useLoaded } from "../ui";

const rank: Record<DeviceBody["state"], number> = { offline: 0, "never-heard": 1, waiting: 2, online: 3, revoked: 4 };

function Row({ d }: { d: DeviceBody }) {
  const wrong = reasonsOf(d);
  const hint = w().deviceSays[d.state];
  const facts = [
    d.last_heard ? w().lastHeard(ago(d.last_heard)) : "",
    d.missing > 0 ? w().missingPieces(d.missing) : "",
    d.unacked > 0 ? w().unackedReceipts(d.unacked) : "",
  ].filter(Boolean);
  return (
    <li class="row device">
      <b>{d.name}</b>
      <Tag tone={d.state === "online" ? (wrong.length ? "warn" : "good") : d.state === "waiting" || d.state === "revoked" ? "" : "bad"}>{w().deviceStates[d.state]}</Tag>
      {d.playing && <Tag tone="act">{w().playingNow}</Tag>}
      <span class="quiet">
        {d.sound && (
          <>
            <Icon name="devices" /> {w().sound}{" "}
          </>
        )}
        {d.board && (
          <>
            <Icon name="board" /> {w().board} {d.board.width}×{d.board.height}{" "}
          </>
        )}
        · {unitName(d.unit)}
        {d.serves.length > 0 && ` · ${w().serves}: ${d.serves.map((s) => unitName(s.village)).join(", ")}`}
      </span>
      {wrong.length > 0 && <span class="badtext">{wrong.join(", ")}</span>}
      {hint && <span class={d.state === "waiting" ? "quiet" : "badtext"}>{hint}</span>}
      {facts.length > 0 && <span class="quiet">{facts.join(", ")}</span>}
    </li>
  );
}

export function Devices() {
  const devices = useLoaded("devices", ["device"], api.devices);
  const search = useSignal("");
  return (
    <>
      <Title>{w().devicesTitle}</Title>
      <Shown of={devices}>
        {(all) => {
          const wanted = plain(search.value);
          const list = all.filter((d) => plain(`${d.name} ${d.id} ${unitName(d.unit)}`).includes(wanted)).sort((a, b) => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name, "vi"));
          return (
            <>
              {all.length > 8 && (
                <Field label={w().search}>{(id) => <input id={id} type="search" value={search.value} onInput={(e) => (search.value = e.currentTarget.value)} />}</Field>
              )}
              <p class="quiet" role="status">
                {w().devicesUp(all.filter((d) => d.state === "online").length, all.filter((d) => d.state !== "revoked").length)}
              </p>
              <ul class="rows cards">
                {list.map((d) => (
                  <Row key={d.id} d={d} />
                ))}
              </ul>
            </>
          );
        }}
      </Shown>
    </>
  );
}
