// A commune's own list of pronunciations, tried by ear before it is kept.
import { useSignal } from "@preact/signals";
import { call, prefix, refused } from "../call";
import type { PronunciationBody } from "../api";
import { Lines } from "../lines";
import { dictionary, me, touch, units } from "../state";
import { Card, Field, Shown, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Cách đọc riêng của xã", note: "Tên người, tên đất, chữ viết tắt mà giọng đọc hay đọc sai. Xã ghi cách viết và cách đọc.", unit: "Đơn vị", written: "Viết", said: "Đọc là", add: "Thêm một dòng", remove: "Bỏ", listen: "Nghe", save: "Lưu cách đọc", saved: "Đã lưu cách đọc.", none: "Chưa có dòng nào.",
  },
  {
    title: "The commune's pronunciations", note: "Names and abbreviations that the voice gets wrong: how they are written and how they are said.", unit: "Unit", written: "Written", said: "Said", add: "Add a line", remove: "Remove", listen: "Listen", save: "Save", saved: "Pronunciations saved.", none: "Nothing yet.",
  },
);

export function Pronunciations() {
  const own = [...new Set((me.value?.grants ?? []).filter((g) => g.role === "editor" || g.role === "operator").map((g) => g.unit))];
  const unit = useSignal(own[0] ?? "");
  const list = useLoaded(unit.value, ["place"], () => call<PronunciationBody[]>("GET", `/units/${unit.value}/pronunciations`));
  return (
    <Card title={t().title}>
      <p class="hint">{t().note}</p>
      {own.length > 1 && (
        <Field label={t().unit}>
          {(f) => (
            <select id={f} value={unit.value} onChange={(e) => (unit.value = e.currentTarget.value)}>
              {own.map((u) => (
                <option key={u} value={u}>
                  {units.value.find((x) => x.id === u)?.name ?? u}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Shown of={list}>{(l) => <Said key={unit.value + JSON.stringify(l)} unit={unit.value} before={l} />}</Shown>
    </Card>
  );
}

function Said({ unit, before }: { unit: string; before: PronunciationBody[] }) {
  const [busy, run] = useBusy();
  const listen = (text: string) =>
    run(async () => {
      const r = await fetch(`${prefix}/readings/sample`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ unit, text }) });
      if (!r.ok) throw await refused(r);
      const url = URL.createObjectURL(await r.blob());
      const sound = new Audio(url);
      sound.onended = () => URL.revokeObjectURL(url);
      await sound.play();
    });
  return (
    <Lines
      before={before}
      words={t()}
      fresh={{ written: "", said: "" }}
      put={(l) => call<void>("PUT", `/units/${unit}/pronunciations`, l.filter((x) => x.written.trim())).then(() => touch("place"))}
      line={(l, set, remove) => (
        <div class="cols">
          <Field label={t().written}>{(f) => <input id={f} required maxLength={100} value={l.written} onInput={(e) => set({ written: e.currentTarget.value })} />}</Field>
          <Field label={t().said}>{(f) => <input id={f} required maxLength={200} value={l.said} onInput={(e) => set({ said: e.currentTarget.value })} />}</Field>
          <div class="pair">
            <button type="button" class="second small" aria-disabled={busy} aria-label={`${t().listen}: ${l.said}`} onClick={() => void listen(l.said)}>
              {t().listen}
            </button>
            <button type="button" class="second small" aria-label={`${t().remove}: ${l.written}`} onClick={remove}>
              {t().remove}
            </button>
          </div>
        </div>
      )}
    />
  );
}
