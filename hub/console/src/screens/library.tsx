import { useSignal } from "@preact/signals";
import { api, type BulletinBody } from "../api";
import { draftOf, fresh, keep } from "../draft";
import { plain } from "../health";
import { dictionary, go, w, writes } from "../state";
import { length, number, when } from "../time";
import { Empty, Field, Link, Note, Shown, Tag, Title, useLoaded } from "../ui";
import { ClassTag } from "./today";

const t = dictionary(
  {
    title: "Kho nội dung", search: "Tìm trong tiêu đề và nội dung", hint: "Gõ không dấu cũng được.", reuse: "Dùng lại", twins: (n: number) => `trùng với ${n} bản tin khác`, none: "Không có bản tin nào như vậy.", empty: "Kho chưa có gì.", emptyHint: "Mọi bản tin và bản ghi âm của đơn vị được giữ ở đây để tìm lại và dùng lại.", found: (n: string) => `${n} bản tin`,
    twinNote: (n: number) => `Có ${n} bản ghi được tải lên nhiều lần; trung tâm chỉ giữ một bản.`, only: "Chỉ bản trùng", sound: "có tiếng", board: "có chữ bảng", filter: "Lọc", all: "Tất cả", recorded: "Bản ghi âm", approved: "Đã duyệt",
  },
  {
    title: "Library", search: "Search titles and texts", hint: "Marks are not needed.", reuse: "Use again", twins: (n: number) => `the same as ${n} others`, none: "There is no such bulletin.", empty: "Nothing is in the library yet.", emptyHint: "All bulletins and recordings of the unit are kept here, to be found and used again.", found: (n: string) => `${n} bulletins`,
    twinNote: (n: number) => `${n} recordings were uploaded more than once; the hub keeps one copy.`, only: "Duplicates only", sound: "with sound", board: "with text for boards", filter: "Filter", all: "All", recorded: "Recordings", approved: "Approved",
  },
);

type Filter = "all" | "recorded" | "approved" | "only";

/** twins counts, for each sound, the works that have the very same bytes. */
function twins(list: BulletinBody[]): Map<string, number> {
  const seen = new Map<string, number>();
  for (const b of list) {
    const d = b.upload ?? b.sound?.digest;
    if (d) seen.set(d, (seen.get(d) ?? 0) + 1);
  }
  return seen;
}

/** reuse begins a new bulletin from an old one. */
function reuse(b: BulletinBody): void {
  keep(fresh(), { ...draftOf(b), uploadName: b.upload ? b.title : "", changed: Date.now() });
  go("/soan");
}

export function Library() {
  const bulletins = useLoaded("library", ["bulletin"], api.bulletins);
  const search = useSignal("");
  const filter = useSignal<Filter>("all");
  const most = useSignal(60);
  return (
    <>
      <Title>{t().title}</Title>
      <Field label={t().search} hint={t().hint}>
        {(f, h) => <input id={f} aria-describedby={h} type="search" value={search.value} onInput={(e) => (search.value = e.currentTarget.value)} />}
      </Field>
      <div class="chips" role="group" aria-label={t().filter}>
        {(["all", "recorded", "approved", "only"] as const).map((k) => (
          <button key={k} type="button" class="chip" aria-pressed={filter.value === k} onClick={() => (filter.value = k)}>
            {t()[k]}
          </button>
        ))}
      </div>
      <Shown of={bulletins}>
        {(list) => {
          const same = twins(list);
          const others = (b: BulletinBody) => (same.get(b.upload ?? b.sound?.digest ?? "") ?? 1) - 1;
          const words = plain(search.value).split(/\s+/).filter(Boolean);
          const shown = list.filter((b) => {
            if (filter.value === "recorded" && !b.upload) return false;
            if (filter.value === "approved" && b.state !== "approved") return false;
            if (filter.value === "only" && others(b) === 0) return false;
            const text = plain(`${b.title} ${b.text} ${b.board}`);
            return words.every((x) => text.includes(x));
          });
          const doubled = [...same.values()].filter((n) => n > 1).length;
          return (
            <>
              {doubled > 0 && <Note>{t().twinNote(doubled)}</Note>}
              {list.length === 0 ? (
                <Empty icon="store" hint={t().emptyHint}>
                  {t().empty}
                </Empty>
              ) : (
                <p class="quiet" role="status">
                  {shown.length ? t().found(number(shown.length)) : t().none}
                </p>
              )}
              <ul class="rows cards">
                {shown.slice(0, most.value).map((b) => (
                  <li key={b.id} class="row">
                    <b>
                      <Link to={`/phat/${b.id}`}>{b.title}</Link>
                    </b>
                    <ClassTag of={b.class} drill={b.options.drill} />
                    <Tag tone={b.state === "approved" ? "good" : ""}>{w().state[b.state]}</Tag>
                    {others(b) > 0 && <Tag tone="warn">{t().twins(others(b))}</Tag>}
                    <span class="quiet">
                      {[b.sound ? `${t().sound}, ${length(b.length_ms ?? 0)}` : "", b.board ? t().board : "", b.author_name, when(b.changed)].filter(Boolean).join(" · ")}
                    </span>
                    {writes() && (
                      <button type="button" class="second" aria-label={`${t().reuse}: ${b.title}`} onClick={() => reuse(b)}>
                        {t().reuse}
                      </button>
                    )}
                  </li>
                ))}
              </ul>
              {shown.length > most.value && (
                <button type="button" class="second wide" onClick={() => (most.value += 60)}>
                  {w().seeMore}
                </button>
              )}
            </>
          );
        }}
      </Shown>
    </>
  );
}
