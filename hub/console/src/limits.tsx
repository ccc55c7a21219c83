// What a unit allows by the hour: volume of loudspeakers, brightness of boards.
import { useSignal } from "@preact/signals";
import { call } from "./call";
import type { HoursBody, LimitsBody } from "./api";
import { Lines } from "./lines";
import { dictionary, touch, units } from "./state";
import { Card, Field, Shown, UnitField, useLoaded } from "./ui";

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
    <Lines
      before={before}
      words={{ ...t(), saved: of === "volume" ? t().savedVolume : t().savedLight }}
      fresh={{ from: 21, to: 6, percent: of === "volume" ? 50 : 40 }}
      most={8}
      put={(l) => call<void>("PUT", `/units/${unit}/limits/${of}`, l).then(() => touch("place"))}
      line={(h, set, remove) => (
        <div class="hours">
          {pick(t().from, h.from, (from) => set({ from }))}
          {pick(t().to, h.to, (to) => set({ to }))}
          <Field label={t().percent}>{(f) => <input id={f} type="number" min={10} max={100} step={5} required value={h.percent} onInput={(e) => set({ percent: Number(e.currentTarget.value) })} />}</Field>
          <button type="button" class="second" aria-label={t().removeAt(`${hour(h.from)}–${hour(h.to)}`)} onClick={remove}>
            {t().remove}
          </button>
        </div>
      )}
    />
  );
}
