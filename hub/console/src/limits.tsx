// What a unit allows by the hour: volume of loudspeakers, brightness of boards.
import { useSignal } from "@preact/signals";
import { call } from "./call";
import type { HoursBody, LimitsBody } from "./api";
import { dictionary, done, touch, trouble, units } from "./state";
import { Card, Field, Say, Shown, UnitField, useBusy, useLoaded } from "./ui";

const t = dictionary(
  {
    volume: "Âm lượng tối đa theo giờ", light: "Độ sáng bảng theo giờ", volumeNote: "Loa của đơn vị tự giữ mức này, kể cả khi mất mạng; mức thấp nhất của loa, thôn và xã được dùng. Khẩn cấp thật không bị giới hạn.", lightNote: "Bảng của đơn vị tự giữ mức này, kể cả khi mất mạng; mức thấp nhất của bảng, thôn và xã được dùng.",
    unit: "Đơn vị", from: "Từ", to: "Đến", percent: "Tối đa, %", none: "Không giới hạn theo giờ.", add: "Thêm khoảng giờ", remove: "Bỏ", save: "Lưu", savedVolume: "Đã lưu âm lượng theo giờ.", savedLight: "Đã lưu độ sáng theo giờ.", removeAt: (x: string) => `Bỏ khoảng ${x}`,
  },
  {
    volume: "Highest volume by the hour", light: "Brightness of boards by the hour", volumeNote: "The unit's loudspeakers keep it by themselves, without a network too; the lowest of device, village and commune counts. Real emergencies are not limited.", lightNote: "The unit's boards keep it by themselves, without a network too; the lowest of board, village and commune counts.",
    unit: "Unit", from: "From", to: "To", percent: "At most, %", none: "No limit by the hour.", add: "Add hours", remove: "Remove", save: "Save", savedVolume: "Volume by the hour saved.", savedLight: "Brightness by the hour saved.", removeAt: (x: string) => `Remove ${x}`,
  },
);

const hour = (h: number): string => `${String(h).padStart(2, "0")}:00`;

/** Limits shows a unit's limits of one kind, and sets them. */
export function Limits({ of, places }: { of: "volume" | "light"; places?: string[] }) {
  const unit = useSignal("");
  const at = unit.value || (places?.[0] ?? units.value[0]?.id ?? "");
  const limits = useLoaded(at, ["place"], () => (at ? call<LimitsBody>("GET", `/units/${at}/limits`) : Promise.resolve({ volume: [], light: [] })));
  return (
    <Card title={t()[of]}>
      <p class="hint">{of === "volume" ? t().volumeNote : t().lightNote}</p>
      <UnitField label={t().unit} value={at} onPick={(u) => (unit.value = u)} />
      <Shown of={limits}>{(l) => <Hours key={at + JSON.stringify(l[of])} unit={at} of={of} before={l[of]} />}</Shown>
    </Card>
  );
}

function Hours({ unit, of, before }: { unit: string; of: "volume" | "light"; before: HoursBody[] }) {
  const list = useSignal(before);
  const [busy, run] = useBusy();
  const set = (i: number, part: Partial<HoursBody>) => (list.value = list.value.map((h, k) => (k === i ? { ...h, ...part } : h)));
  const save = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      const put = (l: HoursBody[]) => call<void>("PUT", `/units/${unit}/limits/${of}`, l).then(() => touch("place"));
      await put(list.value);
      done(of === "volume" ? t().savedVolume : t().savedLight, () => put(before));
    });
  };
  const pick = (label: string, value: number, put: (n: number) => void) => (
    <Field label={label}>
      {(f) => (
        <select id={f} value={String(value)} onChange={(e) => put(Number(e.currentTarget.value))}>
          {Array.from({ length: 24 }, (_, h) => (
            <option key={h} value={String(h)}>
              {hour(h)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
  return (
    <form onSubmit={save}>
      {list.value.length === 0 && <p class="quiet">{t().none}</p>}
      {list.value.map((h, i) => (
        <div class="hours" key={i}>
          {pick(t().from, h.from, (from) => set(i, { from }))}
          {pick(t().to, h.to, (to) => set(i, { to }))}
          <Field label={t().percent}>{(f) => <input id={f} type="number" min={10} max={100} step={5} required value={h.percent} onInput={(e) => set(i, { percent: Number(e.currentTarget.value) })} />}</Field>
          <button type="button" class="second" aria-label={t().removeAt(`${hour(h.from)}–${hour(h.to)}`)} onClick={() => (list.value = list.value.filter((_, k) => k !== i))}>
            {t().remove}
          </button>
        </div>
      ))}
      <Say refusal={trouble.value} />
      <div class="pair wrap">
        <button type="button" class="second" disabled={list.value.length >= 8} onClick={() => (list.value = [...list.value, { from: 21, to: 6, percent: of === "volume" ? 50 : 40 }])}>
          {t().add}
        </button>
        <button type="submit" class="button" aria-disabled={busy}>
          {t().save}
        </button>
      </div>
    </form>
  );
}
