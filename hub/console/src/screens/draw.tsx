import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { call } from "../call";
import { FileField } from "../filefield";
import { geojsonOf, Map, mapOf, plane, shapesOf, short, type Position, type Shape } from "../map";
import { dictionary, failed, notice, touch, trouble, units } from "../state";
import { Card, Choice, Field, Foot, Note, Say, Shown, Title, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Vẽ bản đồ", lead: "Bản đồ do xã tự vẽ, để xem nơi nào đã phát. Chạm vào khung để đặt các góc của thôn, hoặc nhập tệp GeoJSON.", unit: "Xã", village: "Đang vẽ thôn", kind: "Kiểu", area: "Vùng", point: "Điểm", undo: "Bỏ góc cuối", clear: "Vẽ lại thôn này",
    save: "Lưu bản đồ", saved: "Đã lưu bản đồ.", file: "Hoặc chọn tệp GeoJSON", fileHint: "Vùng (Polygon) hay điểm (Point); tên thôn trong properties.name, hoặc gán sau ở đây.", canvas: "Khung vẽ: dùng phím mũi tên để dời con trỏ, phím cách để đặt góc", whole: "Cả bản đồ", assign: "Gán hình với thôn", nobody: "chưa gán", imported: (n: number) => `Đã đọc ${n} hình từ tệp. Hãy gán với thôn rồi lưu.`, left: (n: number) => (n ? `Còn ${n} thôn chưa vẽ.` : "Đã vẽ đủ các thôn."), corners: (n: number) => `${n} góc`,
  },
  {
    title: "Draw a map", lead: "The commune draws its own map, to see where something was played. Tap the frame to set a village's corners, or import GeoJSON.", unit: "Commune", village: "Village being drawn", kind: "Kind", area: "Area", point: "Point", undo: "Take the last corner back", clear: "Draw this village anew",
    save: "Save the map", saved: "Map saved.", file: "Or choose a GeoJSON file", fileHint: "Areas (Polygon) or points; the village's name in properties.name, or assigned here.", canvas: "Frame: arrow keys move the cursor, the space bar sets a corner", whole: "The whole map", assign: "Give the shapes to villages", nobody: "nobody's", imported: (n: number) => `${n} shapes read. Give them to villages, then save.`, left: (n: number) => (n ? `${n} villages are not drawn yet.` : "All villages are drawn."), corners: (n: number) => `${n} corners`,
  },
);

export function Draw() {
  const communes = units.value.filter((u) => !u.valid_until && units.value.some((v) => v.parent === u.id && v.kind === "village"));
  const unit = useSignal("");
  const at = unit.value || communes[0]?.id || "";
  const map = useLoaded(at, [], () => mapOf(at));
  return (
    <>
      <Title back="/cai-dat">{t().title}</Title>
      <p>{t().lead}</p>
      {communes.length > 1 && (
        <Field label={t().unit}>
          {(f) => (
            <select id={f} value={at} onChange={(e) => (unit.value = e.currentTarget.value)}>
              {communes.map((u) => (
                <option key={u.id} value={u.id}>
                  {u.name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Shown of={map}>{(m) => <Editor key={at} unit={at} before={m} />}</Shown>
    </>
  );
}

function Editor({ unit, before }: { unit: string; before: Shape[] }) {
  const villages = units.value.filter((v) => v.parent === unit && v.kind === "village" && !v.valid_until);
  const shapes = useSignal<Shape[]>(before);
  const village = useSignal(villages[0]?.id ?? "");
  const kind = useSignal<"area" | "point">("area");
  const cursor = useSignal<Position>([500, 300]);
  const [busy, run] = useBusy();
  const frame = useRef<SVGSVGElement>(null);
  // What was imported in degrees is drawn, and drawn on, in the frame's own units.
  const degrees = before.some((s) => s.rings.flat().some(([x]) => x > 90 && x < 120));
  const to = degrees && shapes.value.length ? plane(shapes.value).at : (p: Position): Position => p;
  const ring = shapes.value.find((s) => s.unit === village.value)?.rings[0] ?? [];

  const put = (p: Position) => {
    if (degrees) shapes.value = shapes.value.map((s) => ({ ...s, rings: s.rings.map((r) => r.map(to)) }));
    const name = villages.find((v) => v.id === village.value)?.name ?? "";
    const rest = shapes.value.filter((s) => s.unit !== village.value);
    const here = shapes.value.find((s) => s.unit === village.value)?.rings[0] ?? [];
    shapes.value = [...rest, { unit: village.value, name, rings: [kind.value === "point" ? [p] : [...here, p]] }];
  };
  const tap = (e: MouseEvent) => {
    const box = frame.current?.getBoundingClientRect();
    if (!box) return;
    put([Math.round(((e.clientX - box.left) / box.width) * 1000), Math.round(((e.clientY - box.top) / box.height) * 600)]);
  };
  const keys = (e: KeyboardEvent) => {
    const step = e.shiftKey ? 50 : 10;
    const by: Record<string, Position> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const d = by[e.key];
    if (d) cursor.value = [Math.min(1000, Math.max(0, cursor.value[0] + d[0])), Math.min(600, Math.max(0, cursor.value[1] + d[1]))];
    else if (e.key === " ") put(cursor.value);
    else return;
    e.preventDefault();
  };
  const cut = (n: number) => {
    const rest = shapes.value.filter((s) => s.unit !== village.value);
    const r = ring.slice(0, n);
    const mine = shapes.value.find((s) => s.unit === village.value);
    shapes.value = mine && r.length ? [...rest, { ...mine, rings: [r] }] : rest;
  };
  const read = async (f: File | undefined) => {
    if (!f) return;
    try {
      const found = shapesOf(await f.text());
      shapes.value = found.map((s) => ({ ...s, unit: s.unit || (villages.find((v) => v.name.normalize("NFC") === s.name.normalize("NFC"))?.id ?? "") }));
      notice.value = t().imported(found.length);
    } catch (e) {
      failed(e);
    }
  };
  const save = () =>
    run(async () => {
      const drawn = shapes.value.filter((s) => s.rings.some((r) => r.length === 1 || r.length >= 3));
      await call<void>("PUT", `/units/${unit}/map`, { geojson: geojsonOf(drawn) });
      notice.value = t().saved;
      touch("place");
    });
  const missing = villages.filter((v) => !shapes.value.some((s) => s.unit === v.id)).length;
  return (
    <>
      <Field label={t().village}>
        {(f) => (
          <select id={f} value={village.value} onChange={(e) => (village.value = e.currentTarget.value)}>
            {villages.map((v) => (
              <option key={v.id} value={v.id}>
                {v.name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Choice label={t().kind} name="kind" row value={kind.value} onPick={(k) => (kind.value = k)} options={[{ value: "area", label: t().area }, { value: "point", label: t().point }]} />
      <svg ref={frame} class="map drawing" viewBox="0 0 1000 600" tabindex={0} role="application" aria-label={t().canvas} onClick={tap} onKeyDown={keys}>
        {shapes.value.map((s) => {
          const points = (s.rings[0] ?? []).map(to);
          const here = s.unit === village.value;
          return (
            <g key={s.unit + s.name} class={here ? "here" : "none"}>
              {points.length > 1 && <path d={"M" + points.map((p) => p.join(" ")).join("L") + "Z"} />}
              {(here || points.length === 1) && points.map((p, i) => <circle key={i} cx={p[0]} cy={p[1]} r="9" />)}
              {points[0] && (
                <text x={points.reduce((n, p) => n + p[0], 0) / points.length} y={points.reduce((n, p) => n + p[1], 0) / points.length - 14}>
                  {short(s.name)}
                </text>
              )}
            </g>
          );
        })}
        <path class="cursor" d={`M${cursor.value[0] - 14} ${cursor.value[1]}h28M${cursor.value[0]} ${cursor.value[1] - 14}v28`} />
      </svg>
      <p role="status" class="quiet">
        {t().corners(ring.length)} · {t().left(missing)}
      </p>
      <div class="pair">
        <button type="button" class="second" onClick={() => cut(ring.length - 1)}>
          {t().undo}
        </button>
        <button type="button" class="second" onClick={() => cut(0)}>
          {t().clear}
        </button>
      </div>
      <Card>
        <FileField label={t().file} hint={t().fileHint} accept=".geojson,.json,application/geo+json" onFile={(f) => void read(f)} />
        {shapes.value.some((s) => !s.unit) && (
          <>
            <Note tone="warn">{t().assign}</Note>
            {shapes.value.map((s, i) => (
              <Field key={i} label={s.name || `${i + 1}`}>
                {(f) => (
                  <select id={f} value={s.unit} onChange={(e) => (shapes.value = shapes.value.map((x, k) => (k === i ? { ...x, unit: e.currentTarget.value, name: villages.find((v) => v.id === e.currentTarget.value)?.name ?? x.name } : x)))}>
                    <option value="">{t().nobody}</option>
                    {villages.map((v) => (
                      <option key={v.id} value={v.id}>
                        {v.name}
                      </option>
                    ))}
                  </select>
                )}
              </Field>
            ))}
          </>
        )}
      </Card>
      {shapes.value.some((s) => s.rings[0]?.length) && (
        <Card title={t().whole}>
          <Map shapes={shapes.value} tint={() => undefined} label={t().whole} />
        </Card>
      )}
      <Foot>
        <Say refusal={trouble.value} />
        <button type="button" class="button wide" aria-disabled={busy} onClick={() => void save()}>
          {t().save}
        </button>
      </Foot>
    </>
  );
}

