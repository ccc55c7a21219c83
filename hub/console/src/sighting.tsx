// What a board has proved of itself, step by step, and the word of whoever saw it.
import { useSignal } from "@preact/signals";
import { FileField } from "./filefield";
import { base64, small } from "./files";
import { call, prefix } from "./call";
import type { LineBody, SightingBody } from "./api";
import { dictionary, notice, touch, trouble, w } from "./state";
import { clockExact, stamp, when } from "./time";
import { Choice, Field, Note, Say, useBusy } from "./ui";

const t = dictionary(
  {
    levels: "Mức chứng minh", steps: { received: "Đã nhận", rendered: "Đã vẽ", shown: "Bảng báo đã hiện", "link up": "Đường nối tốt", seen: "Nhìn thấy" } as Record<string, string>, has: "có", hasNot: "chưa có",
    tell: "Xác nhận đã thấy bảng hiện", by: "Bằng gì", ways: { photo: "Ảnh chụp", camera: "Máy quay", light: "Cảm biến sáng" }, picture: "Ảnh bảng đang hiện", lux: "Cảm biến đo được, lux", at: "Lúc nhìn thấy", atHint: (a: string, b: string) => `Tính là bằng chứng nếu trong lúc bản tin này đứng trên bảng: ${a}–${b}.`, send: "Lưu xác nhận",
    done: "Đã lưu xác nhận.", late: "Đã lưu, nhưng ngoài lúc bản tin đứng trên bảng nên chưa tính là bằng chứng.", none: "Hãy chụp hoặc chọn ảnh bảng.", saw: { photo: "Nhìn thấy trong ảnh chụp", camera: "Nhìn thấy qua máy quay", light: "Ánh sáng đo được đổi đúng theo các trang" } as Record<string, string>, lit: "Cảm biến đo được ánh sáng trước bảng; điều đó chưa chứng minh chữ nào đã hiện.", luxHint: "Một số đo chỉ cho biết bảng có sáng. Cảm biến gửi chuỗi số đo qua API mới chứng minh được chữ đã hiện.", open: "Xem ảnh", told: (who: string) => `${who} báo`,
  },
  {
    levels: "Level of proof", steps: { received: "Received", rendered: "Drawn", shown: "Board says shown", "link up": "Line is up", seen: "Seen" } as Record<string, string>, has: "yes", hasNot: "not yet",
    tell: "Confirm that the board was seen", by: "By what", ways: { photo: "Photograph", camera: "Camera", light: "Light sensor" }, picture: "Picture of the board", lux: "The sensor measured, lux", at: "When it was seen", atHint: (a: string, b: string) => `It counts if it was while this bulletin stood on the board: ${a}–${b}.`, send: "Keep it",
    done: "Kept.", late: "Kept, but it was not while the bulletin stood, so it proves nothing.", none: "Take or choose a picture of the board.", saw: { photo: "Seen in a photograph", camera: "Seen by a camera", light: "The light measured followed the pages" } as Record<string, string>, lit: "A sensor measured light before the board; that proves no text.", luxHint: "One value says that the board was lit, no more. A sensor that sends a series by the API proves the text.", open: "See the picture", told: (who: string) => `told by ${who}`,
  },
);

const ladder = ["received", "rendered", "shown", "link up", "seen"];

/** Levels shows how far an answer proves that the board was lit, and no further. */
export function Levels({ proof }: { proof: string }) {
  const at = ladder.indexOf(proof);
  return (
    <ol class="levels" aria-label={t().levels}>
      {ladder.map((l, i) => {
        // A sighting says nothing of the steps between that the board did not report.
        const yes = proof === "seen" ? l === "seen" || i < 2 : i <= at;
        return (
          <li key={l} class={yes ? "yes" : ""}>
            {t().steps[l]} <span class="sr">{yes ? t().has : t().hasNot}</span>
          </li>
        );
      })}
    </ol>
  );
}

/** Seen says who or what saw it, with the picture. */
export function Seen({ line: l }: { line: LineBody }) {
  if (!l.seen) return l.lit ? <span>{t().lit}</span> : null;
  return (
    <span>
      {[t().saw[l.seen], l.seen_at && when(l.seen_at), l.seen_by_name && t().told(l.seen_by_name)].filter(Boolean).join(", ")}
      {l.seen !== "light" && (
        <>
          {" · "}
          <a href={`${prefix}/devices/${l.device}/sightings/${l.airing}`} target="_blank" rel="noopener">
            {t().open}
          </a>
        </>
      )}
    </span>
  );
}

/** Sight is the form by which people, cameras and sensors say that they saw a board show something. */
export function Sight({ line: l, name }: { line: LineBody; name: string }) {
  const by = useSignal<SightingBody["by"]>("photo");
  const lux = useSignal("");
  const file = useSignal<File | null>(null);
  const stands = l.ended && Date.parse(l.ended) < Date.now() ? new Date(Date.parse(l.began ?? l.start)) : new Date();
  const at = useSignal(stamp(stands));
  const [busy, run] = useBusy();
  if (!l.began || !l.ended) return null;
  const send = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      const instant = new Date(at.value + "+07:00");
      const body: SightingBody = { airing: l.airing, at: instant.toISOString(), by: by.value };
      if (by.value === "light") body.lux = Number(lux.value);
      else if (file.value) body.picture = await base64(await small(file.value));
      await call<void>("POST", `/devices/${l.device}/sightings`, body);
      const counts = instant.getTime() >= Date.parse(l.began ?? "") && instant.getTime() <= Date.parse(l.ended ?? "");
      notice.value = counts || by.value === "light" ? t().done : t().late;
      touch("receipt");
    });
  };
  return (
    <details class="sight">
      <summary>
        {t().tell}
        <span class="sr">: {name}</span>
      </summary>
      <form class="more" onSubmit={send}>
        <Choice label={t().by} name={`by-${l.device}-${l.start}`} row value={by.value} onPick={(v) => (by.value = v)} options={(["photo", "camera", "light"] as const).map((value) => ({ value, label: t().ways[value] }))} />
        {by.value === "light" ? (
          <Field label={t().lux} hint={t().luxHint}>
            {(f, h) => <input id={f} aria-describedby={h} type="number" inputMode="decimal" min={1} max={1000000} step="any" required value={lux.value} onInput={(e) => (lux.value = e.currentTarget.value)} />}
          </Field>
        ) : (
          <FileField
            label={t().picture}
            accept="image/*"
            camera={by.value === "photo"}
            onFile={(f) => {
              file.value = f ?? null;
              if (f) at.value = stamp(new Date(Math.min(Date.now(), f.lastModified)));
            }}
          />
        )}
        <Field label={t().at} hint={t().atHint(clockExact(l.began), clockExact(l.ended))}>
          {(f, h) => <input id={f} aria-describedby={h} type="datetime-local" step={1} required value={at.value} onInput={(e) => (at.value = e.currentTarget.value)} />}
        </Field>
        <Say refusal={trouble.value} />
        {by.value !== "light" && !file.value && <Note>{t().none}</Note>}
        <button type="submit" class="button" disabled={by.value === "light" ? !lux.value : !file.value} aria-disabled={busy}>
          {t().send}
        </button>
      </form>
    </details>
  );
}

/** proofOf is an answer's level in words. */
export const proofOf = (l: LineBody): string => (l.proof ? (w().proofs[l.proof] ?? l.proof) : "");
