import { useSignal } from "@preact/signals";
import { Component } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { plain } from "../health";
import { arranged, count, flag, flagsAt, keysOf, load, order, renewed, rowAt, stateAt, states, type Row } from "../fleet";
import { dictionary, failed, go, idle, installs, unitName, w } from "../state";
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
/** Whether the device in a place of the columns passes a filter. */
const passes: Record<Filter, (i: number) => boolean> = {
  all: () => true,
  bad: (i) => stateAt(i) < 3 || (stateAt(i) === 3 && (flagsAt(i) & wrong) !== 0),
  off: (i) => stateAt(i) === 2,
  boards: (i) => (flagsAt(i) & flag.board) !== 0,
};
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

interface LineProps {
  r: Row;
  at: number;
  top: number;
  of: number;
}

/** Line is drawn anew only where its device or its place is another. */
class Line extends Component<LineProps> {
  override shouldComponentUpdate(next: LineProps): boolean {
    return next.r !== this.props.r || next.top !== this.props.top || next.of !== this.props.of;
  }

  override render({ r, at, top, of }: LineProps) {
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
  }
}

/** List shows only the rows in sight, by their places in the columns, and a few more; arrows, Page and Home/End move on. */
function List({ rows }: { rows: number[] }) {
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
      {rows.slice(from.value, from.value + seen.value).map((place, i) => {
        const r = rowAt(place);
        return <Line key={r.id} r={r} at={from.value + i} top={(from.value + i) * tall} of={rows.length} />;
      })}
    </ul>
  );
}

export function Devices() {
  const all = count.value;
  const search = useSignal("");
  const filter = useSignal<Filter>("all");
  useEffect(() => {
    if (count.peek() === undefined) load().catch(failed);
  }, []);
  useEffect(() => {
    if (all !== undefined) idle(() => void keysOf()); // so that the first letter of a search need not wait for it
  }, [all]);
  // The order is of states and names, and is worked out anew only where one of them has changed.
  const sorted = useMemo(order, [arranged.value]);
  const [alive, online] = useMemo(() => [sorted.filter((i) => stateAt(i) !== 4).length, sorted.filter((i) => stateAt(i) === 3).length], [sorted]);
  const narrow = filter.value === "all" ? 0 : renewed.value; // rows come and go by their flags
  const rows = useMemo(() => {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    const keys = words.length ? keysOf() : [];
    return sorted.filter((i) => passes[filter.value](i) && words.every((x) => keys[i]?.includes(x)));
  }, [sorted, narrow, search.value, filter.value]);
  void renewed.value; // the rows in sight may be others
  if (all === undefined)
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
