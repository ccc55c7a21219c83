import { useSignal } from "@preact/signals";
import { memo } from "preact/compat";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { plain } from "../health";
import { arranged, fleet, flag, load, states, type Row } from "../fleet";
import { dictionary, failed, go, installs, unitName, w } from "../state";
import { ago, number } from "../time";
import { Field, Icon, Link, Title } from "../ui";

const t = dictionary(
  {
    all: "Tất cả", bad: "Cần xem", off: "Mất liên lạc", boards: "Có bảng", add: "Thêm thiết bị", none: "Không có thiết bị nào như vậy.",
    found: (n: string) => `${n} thiết bị`, never: "chưa liên lạc", filter: "Lọc", hint: "Gõ không dấu cũng được: “nha van hoa”.", list: "Danh sách thiết bị",
    muted: "tắt tiếng", clock: "đồng hồ chưa chắc", fault: "có lỗi", missing: "đang tải nội dung",
  },
  {
    all: "All", bad: "To look at", off: "Offline", boards: "With a board", add: "Add a device", none: "There is no such device.",
    found: (n: string) => `${n} devices`, never: "never heard", filter: "Filter", hint: "Marks are not needed: “nha van hoa”.", list: "List of devices",
    muted: "muted", clock: "clock unsure", fault: "faulty", missing: "loading content",
  },
);

type Filter = "all" | "bad" | "off" | "boards";
const wrong = flag.muted | flag.clock | flag.fault;
const passes: Record<Filter, (r: Row) => boolean> = {
  all: () => true,
  bad: (r) => r.state < 3 || (r.state === 3 && (r.flags & wrong) !== 0),
  off: (r) => r.state === 2,
  boards: (r) => (r.flags & flag.board) !== 0,
};
const rank = [2, 1, 0, 3, 4];
const tall = 76; // px of a row

function says(r: Row): string {
  const out = [];
  if (r.flags & flag.fault) out.push(t().fault);
  if (r.flags & flag.muted) out.push(t().muted);
  if (r.flags & flag.clock) out.push(t().clock);
  if (r.flags & flag.missing) out.push(t().missing);
  out.push(r.heard ? ago(new Date(r.heard * 1000).toISOString()) : t().never);
  return out.join(", ");
}

const Line = memo(
  function Line({ r, at, top, of }: { r: Row; at: number; top: number; of: number }) {
    const tone = r.state === 3 ? (r.flags & wrong ? "warn" : "good") : r.state === 2 || r.state === 1 ? "bad" : "";
    return (
      <li style={{ top: `${top}px` }} aria-posinset={at + 1} aria-setsize={of}>
        <Link to={`/thiet-bi/${r.id}`} class="vrow">
          <b>
            <Icon name={r.flags & flag.board && !(r.flags & flag.sound) ? "board" : "devices"} /> {r.name}
          </b>
          <span class={`tag ${tone}`}>{r.flags & flag.playing ? w().playingNow : w().deviceStates[states[r.state] ?? "waiting"]}</span>
          <span class="quiet">
            {unitName(r.unit)} · {says(r)}
          </span>
        </Link>
      </li>
    );
  },
  (a, b) => a.r === b.r && a.top === b.top && a.of === b.of,
);

/** List shows only the rows in sight, and a few more; arrows, Page and Home/End move on. */
function List({ rows }: { rows: Row[] }) {
  const box = useRef<HTMLUListElement>(null);
  const from = useSignal(0);
  const seen = useSignal(12);
  useEffect(() => {
    const look = () => {
      const e = box.current;
      if (!e) return;
      const above = -e.getBoundingClientRect().top;
      from.value = Math.max(0, Math.floor(above / tall) - 6);
      seen.value = Math.ceil(innerHeight / tall) + 12;
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [rows.length]);
  const move = (e: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity }[e.key];
    if (by === undefined) return;
    const here = Number((document.activeElement?.parentElement as HTMLElement | null)?.getAttribute("aria-posinset") ?? 1) - 1;
    const next = Math.min(rows.length - 1, Math.max(0, here + by));
    e.preventDefault();
    const top = (box.current?.getBoundingClientRect().top ?? 0) + scrollY + next * tall;
    if (top < scrollY + 160 || top > scrollY + innerHeight - 200) scrollTo(0, top - innerHeight / 2);
    setTimeout(() => box.current?.querySelector<HTMLElement>(`[aria-posinset="${next + 1}"] a`)?.focus(), 60);
  };
  return (
    <ul class="virtual" ref={box} style={{ height: `${rows.length * tall}px` }} aria-label={t().list} onKeyDown={move}>
      {rows.slice(from.value, from.value + seen.value).map((r, i) => (
        <Line key={r.id} r={r} at={from.value + i} top={(from.value + i) * tall} of={rows.length} />
      ))}
    </ul>
  );
}

export function Devices() {
  const all = fleet.value;
  const search = useSignal("");
  const filter = useSignal<Filter>("all");
  useEffect(() => {
    if (!fleet.peek()) load().catch(failed);
  }, []);
  // The order is of states and names, and is worked out anew only where one of them has changed.
  const order = useMemo(() => {
    const now = fleet.peek() ?? [];
    return now.map((_, i) => i).sort((x, y) => {
      const a = now[x] as Row;
      const b = now[y] as Row;
      return (rank[a.state] ?? 0) - (rank[b.state] ?? 0) || (a.key < b.key ? -1 : 1);
    });
  }, [arranged.value]);
  const [alive, online] = useMemo(() => {
    const now = fleet.peek() ?? [];
    return [now.filter((r) => r.state !== 4).length, now.filter((r) => r.state === 3).length];
  }, [arranged.value]);
  const rows = useMemo(() => {
    if (!all) return undefined;
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    const out: Row[] = [];
    for (const i of order) {
      const r = all[i];
      if (r && passes[filter.value](r) && words.every((x) => r.key.includes(x))) out.push(r);
    }
    return out;
  }, [order, all, search.value, filter.value]);
  if (!all || !rows)
    return (
      <>
        <Title>{w().devicesTitle}</Title>
        <p class="quiet" aria-busy="true">
          {w().loading}
        </p>
      </>
    );
  return (
    <>
      <Title>{w().devicesTitle}</Title>
      <p class="quiet">{w().devicesUp(online, alive)}</p>
      <Field label={w().search} hint={t().hint}>
        {(f, h) => <input id={f} aria-describedby={h} type="search" value={search.value} onInput={(e) => (search.value = e.currentTarget.value)} />}
      </Field>
      <div class="chips" role="group" aria-label={t().filter}>
        {(["all", "bad", "off", "boards"] as const).map((k) => (
          <button key={k} type="button" class="chip" aria-pressed={filter.value === k} onClick={() => (filter.value = k)}>
            {t()[k]}
          </button>
        ))}
        {installs() && (
          <button type="button" class="second" onClick={() => go("/thiet-bi/them")}>
            {t().add}
          </button>
        )}
      </div>
      <p class="quiet" role="status">
        {rows.length ? t().found(number(rows.length)) : t().none}
      </p>
      <List rows={rows} />
    </>
  );
}
