import { useSignal } from "@preact/signals";
import { call, missing, once } from "../call";
import { api, type AiringBody, type BulletinBody, type BulletinContent, type TemplateBody } from "../api";
import { dictionary, done, go, me, notice, touch, trouble, unitName, w, writes } from "../state";
import { stop } from "../stop";
import { Card, Choice, Field, Foot, Icon, Lacking, Link, Note, Say, Tag, Title, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Khẩn cấp", drillTitle: "Diễn tập", pick: "Chọn mẫu", own: "Viết từ đầu", two: "Cần hai người duyệt khác nhau. Khi đủ hai chữ ký, phát ngay, cắt ngang mọi thứ, kể cả ban đêm.",
    drillNote: "DIỄN TẬP: tiếng và chữ đều nói rõ là diễn tập. Không phát trong giờ yên tĩnh và không bao giờ cản bản tin thật.", toDrill: "Sang trang diễn tập", toReal: "Sang trang khẩn cấp thật",
    running: "Đang có hiệu lực", stopIt: "Dừng phát bản tin này", clear: "Báo hết khẩn cấp", noClear: "Chưa chuẩn bị lời báo hết.", writeClear: "Soạn lời báo hết", clearText: (title: string) => `Cảnh báo “${title}” không còn hiệu lực.`, make: "Tạo tiếng và nghe thử", makeDrill: "Tạo tiếng diễn tập",
    what: "Nội dung phát", onBoard: "Chữ trên bảng", whatClear: "Lời báo hết khẩn cấp", left: (s: string) => `Còn chỗ chưa thay: ${s}`, keep: "Lưu thành mẫu của xã", kept: "Đã lưu mẫu.", name: "Tên mẫu", unit: "Đơn vị", mine: "Mẫu của xã", gone: "Đã xoá mẫu.", remove: "Xoá mẫu",
  },
  {
    title: "Emergency", drillTitle: "Drill", pick: "Choose a template", own: "Write from scratch", two: "Two different people must approve. With both signatures it sounds at once and cuts everything, at night too.",
    drillNote: "DRILL: sound and text both say so. It does not sound in quiet hours and never holds up the real thing.", toDrill: "To the drill page", toReal: "To the page of real emergencies",
    running: "In force", stopIt: "Stop this bulletin", clear: "Give the all-clear", noClear: "No all-clear is prepared.", writeClear: "Write the all-clear", clearText: (title: string) => `Cảnh báo “${title}” không còn hiệu lực.`, make: "Make the sound and listen", makeDrill: "Make the drill's sound",
    what: "What is said", onBoard: "On boards", whatClear: "What calls it off", left: (s: string) => `Not replaced yet: ${s}`, keep: "Keep as the commune's template", kept: "Template kept.", name: "Name of the template", unit: "Unit", mine: "The commune's", gone: "Template deleted.", remove: "Delete the template",
  },
);

export const Emergency = () => <Page drill={false} />;
export const Drill = () => <Page drill />;

function Page({ drill }: { drill: boolean }) {
  const templates = useLoaded("templates", ["place"], () => call<TemplateBody[]>("GET", "/templates"));
  const airings = useLoaded("airings", ["airing", "receipt", "bulletin"], () => api.airings());
  const picked = useSignal<TemplateBody | null>(null);
  const empty: TemplateBody = { id: "", own: false, name: "", title: "", text: "", board: "", clear_title: "", clear_text: "", clear_board: "" };
  return (
    <div class={drill ? "stack mood drill" : "stack mood alarm"}>
      <Title back="/">{drill ? t().drillTitle : t().title}</Title>
      <Note {...(drill ? {} : { tone: "bad" as const })}>{drill ? t().drillNote : t().two}</Note>
      {airings.data && <Running drill={drill} list={airings.data} />}
      <Lacking of={writes() ? [airings, templates] : [airings]} />
      {writes() &&
        (picked.value ? (
          <Write key={picked.value.id} from={picked.value} drill={drill} onBack={() => (picked.value = null)} />
        ) : (
          templates.data && (
              <Card title={t().pick}>
                <ul class="places">
                  {templates.data.map((x) => (
                    <li key={x.id}>
                      <button type="button" onClick={() => (picked.value = x)}>
                        <Icon name="warn" />
                        <span>{x.name}</span>
                        {x.own && <Tag>{t().mine}</Tag>}
                      </button>
                    </li>
                  ))}
                  <li>
                    <button type="button" onClick={() => (picked.value = empty)}>
                      <Icon name="compose" />
                      <span>{t().own}</span>
                    </button>
                  </li>
                </ul>
              </Card>
          )
        ))}
      {!picked.value && (
        <Link to={drill ? "/khan-cap" : "/dien-tap"} class="second">
          {drill ? t().toReal : t().toDrill}
        </Link>
      )}
    </div>
  );
}

/** Running lists what is in force now, with what calls it off. */
function Running({ drill, list }: { drill: boolean; list: AiringBody[] }) {
  const on = list.filter((a) => a.class === "emergency" && Boolean(a.drill) === drill && !a.withdrawn && Date.parse(a.last) > Date.now());
  if (!on.length) return null;
  return (
    <Card title={t().running} tone="live">
      <ul class="rows">
        {on.map((a) => (
          <li key={a.id} class="row">
            <b>{a.title}</b>
            <span class="quiet">{a.units.map(unitName).join(", ")}</span>
            <button type="button" class="button danger" onClick={() => void stop(a.id)}>
              {t().stopIt}
            </button>
            <AllClear of={a} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function AllClear({ of }: { of: AiringBody }) {
  const clear = useLoaded(of.bulletin, ["bulletin"], () => call<BulletinBody>("GET", `/bulletins/${of.bulletin}/all-clear`).catch(missing).then((b) => b ?? null));
  if (clear.data === undefined) return clear.refusal ? <Lacking of={[clear]} /> : null;
  if (!clear.data) return writes() ? <WriteClear of={of} /> : <span class="quiet">{t().noClear}</span>;
  const b = clear.data;
  return (
    <Link to={b.state === "ready" || b.state === "preparing" ? `/nghe/${b.id}` : b.state === "submitted" ? "/duyet" : `/phat/${b.id}`} class="second">
      {t().clear}
    </Link>
  );
}

/** WriteClear makes what calls off an emergency that went out without it. */
function WriteClear({ of }: { of: AiringBody }) {
  const text = useSignal(t().clearText(of.title));
  const board = useSignal("");
  const [busy, run] = useBusy();
  const make = () =>
    run(async () => {
      const emergency = await api.bulletin(of.bulletin);
      const clear = await once<BulletinBody>("POST", "/bulletins", content(emergency.unit, Boolean(of.drill), t().clear, text.value, board.value));
      await call<void>("PUT", `/bulletins/${of.bulletin}/all-clear`, { bulletin: clear.id });
      touch("bulletin");
      go(`/nghe/${clear.id}`);
    });
  return (
    <details>
      <summary>
        {t().noClear} {t().writeClear}
      </summary>
      <form
        class="more"
        onSubmit={(e) => {
          e.preventDefault();
          void make();
        }}
      >
        <Field label={t().whatClear}>{(id) => <textarea id={id} rows={3} required value={text.value} onInput={(e) => (text.value = e.currentTarget.value)} />}</Field>
        <Field label={t().onBoard}>{(id) => <textarea id={id} rows={2} value={board.value} onInput={(e) => (board.value = e.currentTarget.value)} />}</Field>
        <Say refusal={trouble.value} />
        <button type="submit" class="button" disabled={!text.value.trim()} aria-disabled={busy}>
          {t().make}
        </button>
      </form>
    </details>
  );
}

/** content is the bulletin of an emergency, or of a drill, as the hub gets it. */
const content = (unit: string, drill: boolean, title: string, text: string, board: string): BulletinContent => ({
  unit, class: "emergency", title, text, board, options: { wanted: true, ...(drill ? { drill: true } : {}) },
});

const holes = (s: string): string[] => s.match(/\[[^\]]*\]/g) ?? [];

function Write({ from, drill, onBack }: { from: TemplateBody; drill: boolean; onBack: () => void }) {
  const f = useSignal<TemplateBody>({ ...from, clear_title: from.clear_title || t().clear });
  const own = [...new Set((me.value?.grants ?? []).filter((g) => g.role === "editor" || g.role === "operator").map((g) => g.unit))];
  const unit = useSignal(own[0] ?? "");
  const [busy, run] = useBusy();
  const v = f.value;
  const set = (part: Partial<TemplateBody>) => (f.value = { ...f.value, ...part });
  const left = [...holes(v.text), ...holes(v.board), ...holes(v.clear_text)];
  const make = () =>
    run(async () => {
      const alarm = await once<BulletinBody>("POST", "/bulletins", content(unit.value, drill, v.title || v.name, v.text, v.board));
      if (v.clear_text.trim()) {
        const clear = await once<BulletinBody>("POST", "/bulletins", content(unit.value, drill, v.clear_title, v.clear_text, v.clear_board));
        await call<void>("PUT", `/bulletins/${alarm.id}/all-clear`, { bulletin: clear.id });
      }
      touch("bulletin");
      go(`/nghe/${alarm.id}`);
    });
  const keep = () =>
    run(async () => {
      const body = { ...v, name: v.name.trim() || v.title, unit: unit.value };
      if (v.own && v.id) await call<TemplateBody>("PUT", `/templates/${v.id}`, body);
      else await call<TemplateBody>("POST", "/templates", body);
      notice.value = t().kept;
      touch("place");
    });
  const remove = () =>
    run(async () => {
      await call<void>("DELETE", `/templates/${v.id}`);
      const was = { ...from, unit: from.unit ?? unit.value };
      done(t().gone, async () => {
        await call<TemplateBody>("POST", "/templates", was);
        touch("place");
      });
      touch("place");
      onBack();
    });
  const area = (label: string, key: "text" | "board" | "clear_text" | "clear_board", rows: number) => (
    <Field label={label}>{(id) => <textarea id={id} rows={rows} required={key === "text"} value={v[key]} onInput={(e) => set({ [key]: e.currentTarget.value })} />}</Field>
  );
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        void make();
      }}
    >
      {own.length > 1 && <Choice label={t().unit} name="unit" value={unit.value} onPick={(u) => (unit.value = u)} options={own.map((u) => ({ value: u, label: unitName(u) }))} />}
      <Field label={w().title}>{(id) => <input id={id} maxLength={200} value={v.title} onInput={(e) => set({ title: e.currentTarget.value })} />}</Field>
      {area(t().what, "text", 6)}
      {area(t().onBoard, "board", 2)}
      {area(t().whatClear, "clear_text", 3)}
      <details>
        <summary>{t().keep}</summary>
        <div class="more">
          <Field label={t().name}>{(id) => <input id={id} maxLength={100} value={v.name} onInput={(e) => set({ name: e.currentTarget.value })} />}</Field>
          <div class="pair">
            {v.own && (
              <button type="button" class="second" aria-disabled={busy} onClick={() => void remove()}>
                {t().remove}
              </button>
            )}
            <button type="button" class="second" aria-disabled={busy} onClick={() => void keep()}>
              {t().keep}
            </button>
          </div>
        </div>
      </details>
      <Foot>
        <p role="status" class="conseq">
          {left.length > 0 ? t().left([...new Set(left)].join(", ")) : ""}
        </p>
        <Say refusal={trouble.value} />
        <div class="pair">
          <button type="button" class="second" onClick={onBack}>
            {w().cancel}
          </button>
          <button type="submit" class="button" disabled={left.length > 0 || !v.text.trim()} aria-disabled={busy}>
            {drill ? t().makeDrill : t().make}
          </button>
        </div>
      </Foot>
    </form>
  );
}
