// What the voice will say differently from what is written, while it is being written.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, type ReadingBody } from "./api";
import { dictionary, w } from "./state";
import { Note, Tag } from "./ui";

const t = dictionary(
  { differs: "Giọng đọc sẽ nói khác chữ viết", asWritten: "Giọng đọc nói đúng như chữ viết.", kept: (a: string, b: string) => `“${a}” đọc là “${b}”` },
  { differs: "The voice will say it differently", asWritten: "The voice says it as written.", kept: (a: string, b: string) => `“${a}” is said “${b}”` },
);

const pause = 800; // ms after the last letter

export default function Reading({ unit, title, text }: { unit: string; title: string; text: string }) {
  const found = useSignal<ReadingBody | null>(null);
  useEffect(() => {
    if (!text.trim()) return void (found.value = null);
    let over = false;
    // What cannot be read now is read with the sound; nobody is held up by it.
    const timer = setTimeout(() => void api.reading({ unit, title, text }).then((r) => !over && (found.value = r), () => undefined), pause);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [unit, title, text]);
  const r = found.value;
  if (!r) return null;
  const places = r.places.filter((p, i) => r.places.findIndex((q) => q.from === p.from) === i);
  return (
    <>
      {r.doubts.length > 0 && (
        <Note tone="warn">
          <b>{w().doubts}:</b> {r.doubts.map((d) => t().kept(d.from, d.said)).join("; ")}. {w().doubtsMend}
        </Note>
      )}
      {places.length === 0 ? (
        <p class="hint">{t().asWritten}</p>
      ) : (
        <details>
          <summary>
            {t().differs} <Tag>{places.length}</Tag>
          </summary>
          <ul class="more rows">
            {places.slice(0, 40).map((p) => (
              <li key={p.from} class="row">
                <b>{p.from}</b>
                <span>{p.said}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
