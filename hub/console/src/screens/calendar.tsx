import { useSignal } from "@preact/signals";
import { call, once } from "../call";
import { api, type AiringBody, type DayBody, type ForecastBody, type ForecastLine, type ProgrammeBody, type QuietBody } from "../api";
import { dictionary, done as undoable, notice, say, schedules, touch, trouble, units, w, writes } from "../state";
import { clock, clockExact, date, dayOf, zone } from "../time";
import { Card, Field, Icon, Link, Note, Say, Shown, Tag, Title, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Lịch phát", week: "Tuần", list: "Danh sách", view: "Cách xem", before: "Tuần trước", after: "Tuần sau", now: "Tuần này", village: "Nghe ở thôn",
    quiet: (a: string, b: string) => `Giờ yên tĩnh ${a}–${b}: loa không phát, trừ khẩn cấp và bản tin có phép phát đêm.`, empty: "Không có gì phát ngày này.", lunar: (d: string) => `âm lịch ${d}`,
    copy: "Chép chương trình sang tuần sau", copied: (n: number) => (n ? `Đã chép ${n} chương trình sang tuần sau.` : "Tuần này không có chương trình nào để chép."),
    forecast: "Lịch này do trung tâm tính bằng đúng quy tắc mà loa dùng.", notPlayed: (over: boolean) => (over ? "không phát" : "sẽ không phát"), cutShort: (over: boolean) => (over ? "bị cắt" : "sẽ bị cắt"), begins: (h: string) => `bắt đầu ${h}`, waits: (x: string, h: string) => `đợi “${x}” xong, bắt đầu ${h}`, which: "Tuần nào",
    move: "Đổi giờ", anew: "Mở bản tin để gửi duyệt lại", moveTo: (x: string) => `Chuyển “${x}” sang`, moved: "Đã đổi giờ.", undo: "Hoàn tác", day: "Ngày", hour: "Giờ", fixed: "Bản tin lặp lại đổi giờ ở trang của bản tin.", programme: "Chương trình", newProgramme: "Thêm chương trình",
    dragHint: "Kéo thả để đổi ngày, hoặc dùng nút Đổi giờ.", noVillage: "Chưa có thôn nào. Hãy nhập danh sách thôn ở trang Cài đặt.", holiday: "Ngày lễ",
  },
  {
    title: "Calendar", week: "Week", list: "List", view: "View", before: "Week before", after: "Week after", now: "This week", village: "As heard in",
    quiet: (a: string, b: string) => `Quiet hours ${a}–${b}: nothing sounds but emergencies and what has night permission.`, empty: "Nothing on this day.", lunar: (d: string) => `lunar ${d}`,
    copy: "Copy programmes to next week", copied: (n: number) => (n ? `${n} programmes copied to next week.` : "There is no programme to copy in this week."),
    forecast: "The hub works this out by the very rules that devices use.", notPlayed: (over: boolean) => (over ? "not played" : "will not be played"), cutShort: (over: boolean) => (over ? "cut" : "will be cut"), begins: (h: string) => `begins ${h}`, waits: (x: string, h: string) => `waits for “${x}”, begins ${h}`, which: "Which week",
    move: "Move", anew: "Open the bulletin to submit it again", moveTo: (x: string) => `Move “${x}” to`, moved: "Moved.", undo: "Undo", day: "Day", hour: "Hour", fixed: "What repeats is moved on its own page.", programme: "Programme", newProgramme: "Add a programme",
    dragHint: "Drag to another day, or use Move.", noVillage: "There is no village yet. Import the villages on the page Settings.", holiday: "Holiday",
  },
);

const plus = (day: string, n: number): string => new Date(Date.parse(day + "T12:00:00Z") + n * 86400_000).toISOString().slice(0, 10);
const monday = (day: string): string => plus(day, -((new Date(day + "T12:00:00Z").getUTCDay() + 6) % 7));

interface Loaded {
  days: DayBody[];
  lines: ForecastBody[];
  airings: AiringBody[];
}

async function load(from: string, village: string): Promise<Loaded> {
  const week = [0, 1, 2, 3, 4, 5, 6].map((n) => plus(from, n));
  const [days, airings, ...lines] = await Promise.all([
    call<DayBody[]>("GET", `/days?from=${from}&to=${week[6]}`),
    api.airings(new Date(from + "T00:00:00+07:00")),
    ...week.map((d) => call<ForecastBody>("GET", `/forecast?village=${encodeURIComponent(village)}&day=${d}`)),
  ]);
  return { days, airings, lines };
}

export function Calendar() {
  const villages = units.value.filter((u) => u.kind === "village" && !u.valid_until);
  const from = useSignal(monday(dayOf(new Date())));
  const view = useSignal<"week" | "list">(matchMedia("(min-width: 56.25em)").matches ? "week" : "list");
  const village = useSignal(villages[0]?.id ?? "");
  const at = village.value || villages[0]?.id || "";
  const week = useLoaded(`${from.value} ${at}`, ["airing", "programme", "bulletin", "place"], () => (at ? load(from.value, at) : Promise.resolve({ days: [], lines: [], airings: [] })));
  const above = units.value.find((u) => u.id === at)?.path ?? [];
  const quiet = useLoaded(at, ["place"], async () => {
    for (const u of [...above].reverse()) {
      const q = await call<QuietBody[]>("GET", `/units/${u}/quiet`).catch(() => []);
      if (q.length) return q;
    }
    return [];
  });
  const moving = useSignal<[AiringBody, string] | null>(null);
  const [busy, run] = useBusy();
  const copy = () =>
    run(async () => {
      const top = above[above.length - 2] ?? at;
      const made = await once<ProgrammeBody[]>("POST", "/programmes/copy-week", { unit: top, from: from.value, to: plus(from.value, 7) });
      const back = async () => {
        await Promise.all(made.map((p) => call<void>("DELETE", `/programmes/${p.id}`)));
        touch("programme");
      };
      if (made.length) undoable(t().copied(made.length), back);
      else notice.value = t().copied(0);
      touch("programme");
    });
  if (!at)
    return (
      <>
        <Title>{t().title}</Title>
        <Note>{t().noVillage}</Note>
      </>
    );
  return (
    <>
      <Title>{t().title}</Title>
      <div class="tools">
        <div class="chips even" role="group" aria-label={t().which}>
          <button type="button" class="chip" aria-label={t().before} onClick={() => (from.value = plus(from.value, -7))}>
            <Icon name="back" />
          </button>
          <button type="button" class="chip" aria-pressed={from.value === monday(dayOf(new Date()))} onClick={() => (from.value = monday(dayOf(new Date())))}>
            {t().now}
          </button>
          <button type="button" class="chip flip" aria-label={t().after} onClick={() => (from.value = plus(from.value, 7))}>
            <Icon name="back" />
          </button>
        </div>
        <div class="chips even" role="group" aria-label={t().view}>
          {(["week", "list"] as const).map((v) => (
            <button key={v} type="button" class="chip" aria-pressed={view.value === v} onClick={() => (view.value = v)}>
              {t()[v]}
            </button>
          ))}
        </div>
        <Field label={t().village}>
          {(f) => (
            <select id={f} value={at} onChange={(e) => (village.value = e.currentTarget.value)}>
              {villages.map((v) => (
                <option key={v.id} value={v.id}>
                  {v.name}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      {moving.value && <Move key={moving.value[0].id} airing={moving.value[0]} day={moving.value[1]} onEnd={() => (moving.value = null)} />}
      <Shown of={week}>{(d) => (d.days.length ? <Week data={d} view={view.value} onMove={(a, day) => (moving.value = [a, day])} /> : null)}</Shown>
      {(quiet.data ?? []).map((q) => (
        <Note key={q.start} tone="night">
          {t().quiet(q.start, q.end)}
        </Note>
      ))}
      <p class="hint">{t().forecast}</p>
      {schedules() && (
        <div class="pair wrap">
          <button type="button" class="second" aria-disabled={busy} onClick={() => void copy()}>
            {t().copy}
          </button>
          {writes() && (
            <Link to="/tiep-song/moi" class="second">
              {t().newProgramme}
            </Link>
          )}
        </div>
      )}
    </>
  );
}

/** movable says whether a line can be moved here: one start of its own, not begun. */
const movable = (a: AiringBody | undefined): a is AiringBody => a !== undefined && !a.rule && !a.withdrawn && !a.on_air && a.class !== "emergency" && Date.parse(a.first) > Date.now() && schedules();

function Week({ data, view, onMove }: { data: Loaded; view: "week" | "list"; onMove: (a: AiringBody, day: string) => void }) {
  const over = useSignal("");
  const today = dayOf(new Date());
  // A list of this week begins with what there is to see: days gone by without anything are left out.
  const shown = (day: string, lines: number) => view === "week" || lines > 0 || day >= today || !data.days.some((d) => d.day === today);
  const airing = (l: ForecastLine) => data.airings.find((a) => a.id === l.airing);
  return (
    <>
      <ol class={view === "week" ? "week" : "week aslist"}>
        {data.days.map((d, i) => !shown(d.day, data.lines[i]?.lines.length ?? 0) ? null : (
          <li
            key={d.day}
            {...(d.day === today ? { "aria-current": "date" as const } : {})}
            class={[d.day === today ? "today" : "", d.holiday ? "holiday" : "", over.value === d.day ? "over" : ""].join(" ")}
            onDragOver={(e) => {
              e.preventDefault();
              over.value = d.day;
            }}
            onDragLeave={() => (over.value = "")}
            onDrop={(e) => {
              e.preventDefault();
              over.value = "";
              const a = data.airings.find((x) => x.id === e.dataTransfer?.getData("text/plain"));
              if (movable(a)) onMove(a, d.day);
            }}
          >
            <h2>
              {date(d.day)} <small>{t().lunar(d.lunar)}</small>
            </h2>
            {d.holiday && <Tag tone="warn">{say(d.holiday)}</Tag>}
            {(data.lines[i]?.lines.length ?? 0) === 0 && <p class="quiet">{t().empty}</p>}
            <ul>
              {data.lines[i]?.lines.map((l) => {
                const a = airing(l);
                const to = a ? `/phat/${a.bulletin}` : l.programme ? `/tiep-song/${l.programme}` : "";
                const late = l.begins && Math.abs(Date.parse(l.begins) - Date.parse(l.start)) > 500;
                const before = late ? data.lines[i]?.lines.find((x) => x !== l && x.ends === l.begins) : undefined;
                return (
                  <li
                    key={l.airing + l.start + l.title}
                    class={`entry ${l.outcome === "played" ? "" : "bad"} ${a?.class ?? ""}`}
                    draggable={movable(a)}
                    onDragStart={(e) => e.dataTransfer?.setData("text/plain", a?.id ?? "")}
                  >
                    {to ? (
                      // A link would be dragged by itself.
                      <Link to={to} class="row" draggable={false}>
                        <b>{clock(l.start)}</b> <span>{l.title}</span>
                      </Link>
                    ) : (
                      <p class="row">
                        <b>{clock(l.start)}</b> <span>{l.title}</span>
                      </p>
                    )}
                    {l.outcome !== "played" && <span class="badtext">{(l.outcome === "cut" ? t().cutShort : t().notPlayed)(Date.parse(l.start) < Date.now())}: {w().reasons[l.reason ?? ""] ?? l.reason}</span>}
                    {late && l.begins && <span class="quiet">{before ? t().waits(before.title, clockExact(l.begins)) : t().begins(clockExact(l.begins))}</span>}
                    {l.note && <span class="quiet">{say(l.note)}</span>}
                    {movable(a) && (
                      <button type="button" class="second small" aria-label={`${t().move}: ${l.title}`} onClick={() => onMove(a, d.day)}>
                        {t().move}
                      </button>
                    )}
                  </li>
                );
              })}
            </ul>
          </li>
        ))}
      </ol>
      {view === "week" && schedules() && <p class="hint">{t().dragHint}</p>}
    </>
  );
}

/** Move airs something at another time, within its approval, and offers to take that back. */
function Move({ airing: a, day, onEnd }: { airing: AiringBody; day: string; onEnd: () => void }) {
  const local = (iso: string) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(iso));
  const to = useSignal(day);
  const hour = useSignal(local(a.first));
  const done = useSignal<AiringBody | null>(null);
  const [busy, run] = useBusy();
  const put = (from: AiringBody, start: string) => once<AiringBody>("POST", "/airings", { approval: from.approval, wish: { units: from.units, when: "at", start, replaces: from.id, volume: from.volume } });
  const move = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      done.value = await put(a, `${to.value}T${hour.value}:00`);
      touch("airing");
    });
  };
  const undo = () =>
    run(async () => {
      if (done.value) await put(done.value, `${dayOf(new Date(a.first))}T${local(a.first)}:00`);
      touch("airing");
      onEnd();
    });
  return (
    <Card title={done.value ? t().moved : t().moveTo(a.title)}>
      {done.value ? (
        <div class="pair">
          <button type="button" class="second" aria-disabled={busy} onClick={() => void undo()}>
            {t().undo}
          </button>
          <button type="button" class="button" onClick={onEnd}>
            {w().close}
          </button>
        </div>
      ) : (
        <form onSubmit={move}>
          <div class="cols">
            <Field label={t().day}>{(f) => <input id={f} type="date" required value={to.value} onInput={(e) => (to.value = e.currentTarget.value)} />}</Field>
            <Field label={t().hour}>{(f) => <input id={f} type="time" required value={hour.value} onInput={(e) => (hour.value = e.currentTarget.value)} />}</Field>
          </div>
          <Say refusal={trouble.value} />
          {trouble.value?.code === "outside-approval" && (
            <Link to={`/soan/${a.bulletin}`} class="second">
              {t().anew}
            </Link>
          )}
          <div class="pair">
            <button type="button" class="second" onClick={onEnd}>
              {w().cancel}
            </button>
            <button type="submit" class="button" aria-disabled={busy}>
              {t().move}
            </button>
          </div>
        </form>
      )}
    </Card>
  );
}
