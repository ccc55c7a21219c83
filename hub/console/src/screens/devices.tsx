import { useSignal } from "@preact/signals";
import { Component } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { plain } from "../health";
import { arranged, count, flag, flagsAt, having, load, order, prepare, renewed, rowAt, stateAt, states, working, type Row } from "../fleet";
import { dictionary, idle, installs, unitName, w } from "../state";
import { ago, number } from "../time";
import { Empty, Field, Icon, Lacking, Link, Title, useLoaded } from "../ui";

const t = dictionary(
  {
    all: "Tất cả", bad: "Cần xem", off: "Mất liên lạc", boards: "Có bảng", add: "Thêm thiết bị", sheet: "Nhập từ bảng tính", first: "Chưa có thiết bị nào.", firstHint: "Thêm từng máy, hoặc nhập cả danh sách từ bảng tính; rồi tạo mã ghi danh để kỹ thuật viên lắp.", none: "Không có thiết bị nào như vậy.",
    found: (n: string) => `${n} thiết bị`, never: "chưa liên lạc", filter: "Lọc", hint: "Gõ không dấu cũng được: “nha van hoa”.", list: "Danh sách thiết bị",
    muted: "tắt tiếng", clock: "đồng hồ chưa chắc", fault: "có lỗi", missing: "đang tải nội dung",
  },
  {
    all: "All", bad: "To look at", off: "Offline", boards: "With a board", add: "Add a device", sheet: "From a spreadsheet", first: "There are no devices yet.", firstHint: "Add them one by one, or a whole list from a spreadsheet; then make claims for the technician.", none: "There is no such device.",
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
const tall = 4.5; // rem of a row, as in the style sheet
const spare = 4; // rows drawn beyond what is in sight, at either end

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
  unit: string; // its name
  at: number;
  top: number;
  of: number;
}

/** Line is drawn anew only where its device or its place is another. */
class Line extends Component<LineProps> {
  override shouldComponentUpdate(next: LineProps): boolean {
    return next.r !== this.props.r || next.unit !== this.props.unit || next.top !== this.props.top || next.of !== this.props.of;
  }

  override render({ r, unit, at, top, of }: LineProps) {
    const tone = r.state === 3 ? (r.flags & wrong ? "warn" : "good") : r.state === 2 || r.state === 1 ? "bad" : "";
    return (
      <li style={{ top: `${top}rem` }} aria-posinset={at + 1} aria-setsize={of}>
        <Link to={`/thiet-bi/${r.id}`} class="vrow">
          <b>
            <Icon name={r.flags & flag.board && !(r.flags & flag.sound) ? "board" : "devices"} /> {r.name}
          </b>
          <span class={`tag ${tone}`}>{r.flags & flag.playing ? w().playingNow : w().deviceStates[states[r.state] ?? "waiting"]}</span>
          <span class="quiet">
            {unit} · {says(r)}
          </span>
        </Link>
      </li>
    );
  }
}

/** placed gives each row a slot: the one it had, or one that is free now, for to fill a line anew costs a telephone less than to make one. The line that has the focus is never filled with another device. */
function placed(shown: Row[], before: Map<string, number>): Map<string, number> {
  const out = new Map<string, number>();
  for (const r of shown) {
    const slot = before.get(r.id);
    if (slot !== undefined) out.set(r.id, slot);
  }
  const taken = new Set(out.values());
  const focus = document.activeElement?.getAttribute("href");
  for (const [id, slot] of before) if (focus === `/thiet-bi/${id}`) taken.add(slot);
  let next = 0;
  for (const r of shown) {
    if (out.has(r.id)) continue;
    while (taken.has(next)) next++;
    out.set(r.id, next++);
  }
  return out;
}

/** List shows only the rows in sight, by their places in the columns, and a few more; arrows, Page and Home/End move on. */
function List({ rows }: { rows: number[] }) {
  const box = useRef<HTMLUListElement>(null);
  const from = useSignal(0);
  const to = useSignal(8);
  const slots = useRef(new Map<string, number>());
  useEffect(() => {
    const look = () => {
      const e = box.current;
      if (!e) return;
      const top = e.getBoundingClientRect().top;
      const row = tall * parseFloat(getComputedStyle(document.documentElement).fontSize);
      // What is in sight below the head of the page, and a few before and after it.
      from.value = Math.max(0, Math.floor(-top / row) - spare);
      to.value = Math.max(0, Math.ceil((innerHeight - top) / row)) + spare;
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, []);
  const move = (e: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity }[e.key];
    if (by === undefined) return;
    const here = Number((document.activeElement?.parentElement as HTMLElement | null)?.getAttribute("aria-posinset") ?? 1) - 1;
    const next = Math.min(rows.length - 1, Math.max(0, here + by));
    e.preventDefault();
    const place = box.current?.getBoundingClientRect();
    const top = place ? place.top + scrollY + (next / rows.length) * place.height : 0;
    if (top < scrollY + 160 || top > scrollY + innerHeight - 200) scrollTo(0, top - innerHeight / 2);
    setTimeout(() => box.current?.querySelector<HTMLElement>(`[aria-posinset="${next + 1}"] a`)?.focus(), 60);
  };
  const shown = rows.slice(from.value, to.value).map(rowAt);
  slots.current = placed(shown, slots.current);
  return (
    <ul class="virtual" ref={box} style={{ height: `${rows.length * tall}rem` }} aria-label={t().list} onKeyDown={move}>
      {shown.map((r, i) => (
        <Line key={slots.current.get(r.id)} r={r} unit={unitName(r.unit)} at={from.value + i} top={(from.value + i) * tall} of={rows.length} />
      ))}
    </ul>
  );
}

export function Devices() {
  const all = count.value;
  const search = useSignal("");
  const filter = useSignal<Filter>("all");
  const table = useLoaded("table", [], async () => {
    if (count.peek() === undefined) await load();
    return true;
  });
  useEffect(() => {
    if (all !== undefined) idle(prepare);
  }, [all]);
  // The order is of states and names, and is worked out anew only where one of them has changed.
  const sorted = useMemo(order, [arranged.value]);
  const [alive, online] = useMemo(working, [sorted]);
  const narrow = filter.value === "all" ? 0 : renewed.value; // rows come and go by their flags
  const passing = useMemo(() => (filter.value === "all" ? sorted : sorted.filter(passes[filter.value])), [sorted, narrow, filter.value]);
  const last = useRef({ among: passing, typed: "", rows: passing });
  const rows = useMemo(() => {
    const typed = plain(search.value);
    // Where letters were added, what they find was found before.
    const { among, typed: before, rows } = last.current;
    const grown = among === passing && typed.startsWith(before);
    const found = having(typed.split(/\s+/).filter(Boolean), grown ? rows : passing);
    last.current = { among: passing, typed, rows: found };
    return found;
  }, [passing, search.value]);
  void renewed.value; // the rows in sight may be others
  if (all === undefined)
    return (
      <>
        <Title>{w().devicesTitle}</Title>
        <Lacking of={[table]} />
      </>
    );
  return (
    <>
      <Title>{w().devicesTitle}</Title>
      {installs() && (
        <div class="pair wrap">
          <Link to="/thiet-bi/them" class="second">
            {t().add}
          </Link>
          <Link to="/thiet-bi/nhap" class="second">
            {t().sheet}
          </Link>
        </div>
      )}
      {all === 0 ? (
        <Empty icon="devices" {...(installs() ? { hint: t().firstHint } : {})}>
          {t().first}
        </Empty>
      ) : (
        <>
          <Field label={w().search} hint={t().hint}>
            {(f, h) => <input id={f} aria-describedby={h} type="search" value={search.value} onInput={(e) => (search.value = e.currentTarget.value)} />}
          </Field>
          <div class="chips" role="group" aria-label={t().filter}>
            {(["all", "bad", "off", "boards"] as const).map((k) => (
              <button key={k} type="button" class="chip" aria-pressed={filter.value === k} onClick={() => (filter.value = k)}>
                {t()[k]}
              </button>
            ))}
          </div>
          <p class="quiet" role="status">
            {rows.length ? `${t().found(number(rows.length))} · ${w().devicesUp(online, alive)}` : t().none}
          </p>
          <List rows={rows} />
        </>
      )}
    </>
  );
}
