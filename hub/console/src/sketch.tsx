// What a board will show of a text that is still being written: its layout, a
// picture, and the preview by the hub that follows the typing.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { BoardFigure } from "./boardview";
import { call, prefix, refused } from "./call";
import type { Draft } from "./draft";
import { FileField } from "./filefield";
import { dictionary, trouble } from "./state";
import { Choice, useBusy } from "./ui";
import type { PagesBody, PictureBody, SketchBody } from "./api";

const t = dictionary(
  {
    layout: "Cách trình bày", running: "Đoạn cuối của chữ trên bảng chạy ngang ở dòng dưới; xuống dòng để tách đoạn.", layouts: { notice: "Thông báo", "two-line": "Hai dòng", ticker: "Chữ chạy", picture: "Ảnh kèm chữ" }, picture: "Ảnh cho bảng", hint: "PNG, JPEG, GIF hoặc WebP. Bảng hiện ảnh theo độ sáng tối, nên chọn ảnh rõ nét.", got: (x: string) => `Đã có ảnh${x ? ` ${x}` : ""}.`, remove: "Bỏ ảnh", preview: "Trên bảng sẽ như thế này",
  },
  {
    layout: "Layout", running: "The last paragraph runs along the lower line; begin a new line to set it apart.", layouts: { notice: "Notice", "two-line": "Two lines", ticker: "Running text", picture: "Picture and text" }, picture: "Picture for boards", hint: "PNG, JPEG, GIF or WebP. Boards show light and dark, so choose a clear one.", got: (x: string) => `There is a picture${x ? `, ${x}` : ""}.`, remove: "Remove it", preview: "How boards will show it",
  },
);

type Layout = Draft["layout"];
const layouts: Layout[] = ["notice", "two-line", "ticker", "picture"];

/** sketchOf is what the hub lays out of a draft. */
function sketchOf(d: Draft): SketchBody {
  const s: SketchBody = { unit: d.unit, class: d.class, title: d.title, board: d.board };
  if (d.class === "emergency") {
    if (d.drill) s.drill = true;
    return s;
  }
  s.layout = d.layout;
  if (d.layout === "picture" && d.picture) s.picture = d.picture;
  return s;
}

export default function Sketch({ draft: d, set }: { draft: Draft; set: (part: Partial<Draft>) => void }) {
  const pages = useSignal<PagesBody[]>([]);
  const turn = useRef(0);
  const [busy, run] = useBusy();
  const wanted = JSON.stringify(sketchOf(d));
  useEffect(() => {
    const mine = ++turn.current;
    if (!d.board.trim() || (d.layout === "picture" && !d.picture && d.class !== "emergency")) {
      pages.value = [];
      return;
    }
    const timer = setTimeout(() => {
      call<PagesBody[]>("POST", "/boards/preview", JSON.parse(wanted)).then(
        (p) => {
          if (mine === turn.current) pages.value = p;
        },
        () => undefined, // without a network there is no preview; the draft goes on
      );
    }, 500);
    return () => clearTimeout(timer);
  }, [wanted]);
  const take = (file: File | undefined) =>
    file &&
    run(async () => {
      trouble.value = null;
      const r = await fetch(prefix + "/pictures", { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
      if (!r.ok) throw await refused(r);
      const p = (await r.json()) as PictureBody;
      set({ picture: p.digest, pictureName: file.name.normalize("NFC") });
    });
  return (
    <>
      {d.class !== "emergency" && (
        <Choice label={t().layout} name="layout" row value={d.layout} onPick={(layout) => set({ layout })} options={layouts.map((value) => ({ value, label: t().layouts[value] }))} />
      )}
      {d.class !== "emergency" && d.layout === "ticker" && <p class="hint">{t().running}</p>}
      {d.class !== "emergency" && d.layout === "picture" && (
        <>
          <FileField label={t().picture} hint={t().hint} accept="image/png,image/jpeg,image/gif,image/webp" disabled={busy} onFile={(file) => void take(file)} />
          {d.picture && (
            <p role="status">
              {t().got(d.pictureName)}{" "}
              <button type="button" class="text" onClick={() => set({ picture: "", pictureName: "" })}>
                {t().remove}
              </button>
            </p>
          )}
        </>
      )}
      {pages.value.length > 0 && (
        <section class="card" aria-label={t().preview}>
          <h2>{t().preview}</h2>
          {pages.value.slice(0, 4).map((p) => (
            <BoardFigure key={`${p.width}x${p.height}x${p.row}`} of={p} fields={{ title: d.title, body: d.board }} />
          ))}
        </section>
      )}
    </>
  );
}
