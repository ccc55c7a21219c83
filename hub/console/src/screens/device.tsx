import { useSignal } from "@preact/signals";
import { call, prefix, refused } from "../call";
import type { AddDeviceInputBody, ClaimBody, DeviceBody } from "../api";
import { reasonsOf } from "../health";
import { administers, dictionary, go, notice, schedules, touch, trouble, unitName, units, w } from "../state";
import { ago, number, when } from "../time";
import { Card, Check, Field, Foot, Note, Say, Shown, Tag, Title, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    health: "Tình trạng", serves: "Phục vụ", share: (v: string, s: number) => `${v}: ${Math.round(s * 100)} %`, nobody: "Chưa ghi phục vụ thôn nào; không tính vào con số được nghe.", heard: "Liên lạc lần cuối", software: "Phần mềm", free: "Bộ nhớ còn", missing: "Nội dung chưa tải xong", unacked: "Xác nhận chưa gửi xong", playing: "Đang phát", clock: "Đồng hồ", sure: "chắc", unsure: "chưa chắc", tags: "Nhãn",
    photo: "Ảnh nơi lắp đặt", noPhoto: "Chưa có ảnh. Hãy chụp một tấm để người sau dễ tìm.", take: "Chụp hoặc chọn ảnh", photoKept: "Đã lưu ảnh.", claim: "Ghi danh thiết bị", claimNote: "Mã dùng một lần, để máy tự nhận đúng trung tâm này. Ai có mã đều ghi danh được, nên chỉ đưa cho kỹ thuật viên.", make: "Tạo mã ghi danh", code: "Mã ghi danh (chỉ hiện lần này)", expires: (x: string) => `Hết hạn ${x}.`, copy: "Chép mã", copied: "Đã chép.",
    move: "Sửa tên, nơi đặt, thôn phục vụ", name: "Tên", unit: "Đơn vị", village: "Phục vụ thôn", percent: "phần dân, %", registrar: "Mật khẩu của người giữ sổ", registrarHint: "Nơi đặt được ký, để thiết bị và thanh tra kiểm tra được.", save: "Lưu", saved: "Đã lưu.", revoke: "Thu hồi thiết bị", revoked: "Đã thu hồi.", revokeNote: "Thiết bị không bao giờ kết nối lại được. Thay máy hỏng thì dùng Thay thiết bị.", reallyRevoke: "Thu hồi hẳn",
    add: "Thêm thiết bị", id: "Mã thiết bị", idHint: "Chữ thường không dấu, số, gạch nối. Không đổi được.", sound: "Có loa", board: "Có bảng điện tử", width: "Rộng (điểm)", height: "Cao (điểm)", row: "Cao một dòng", addVerb: "Thêm thiết bị", added: "Đã thêm. Tạo mã ghi danh để lắp.",
  },
  {
    health: "Health", serves: "Serves", share: (v: string, s: number) => `${v}: ${Math.round(s * 100)} %`, nobody: "It serves no village yet and counts for nobody.", heard: "Last heard of", software: "Software", free: "Storage left", missing: "Content still missing", unacked: "Receipts not confirmed", playing: "Playing", clock: "Clock", sure: "sure", unsure: "unsure", tags: "Tags",
    photo: "Photograph of the place", noPhoto: "No photograph yet. Take one, so that others find it.", take: "Take or choose a picture", photoKept: "Picture kept.", claim: "Enrol the device", claimNote: "A code for one use, by which the device knows this hub. Whoever has it can enrol, so give it to the technician only.", make: "Make a code", code: "Code (shown this once)", expires: (x: string) => `Expires ${x}.`, copy: "Copy", copied: "Copied.",
    move: "Name, place, villages served", name: "Name", unit: "Unit", village: "Serves", percent: "share, %", registrar: "The registrar's password", registrarHint: "The place is signed, so that devices and auditors can check it.", save: "Save", saved: "Saved.", revoke: "Revoke the device", revoked: "Revoked.", revokeNote: "It can never connect again. For a broken one use Replace.", reallyRevoke: "Revoke for good",
    add: "Add a device", id: "Id", idHint: "Small letters, digits, hyphens. It cannot change.", sound: "Has a loudspeaker", board: "Has a board", width: "Width (pixels)", height: "Height (pixels)", row: "Height of a row", addVerb: "Add the device", added: "Added. Make a code to install it.",
  },
);

export function Device({ id }: { id: string }) {
  const device = useLoaded(id, ["device", "receipt"], () => call<DeviceBody>("GET", `/devices/${id}`));
  return (
    <>
      <Title back="/thiet-bi">{device.data?.name ?? id}</Title>
      <Shown of={device}>
        {(d) => (
          <>
            <Health d={d} />
            {administers() && d.state !== "revoked" && <Claim d={d} />}
            <Photo d={d} />
            {administers() && d.state !== "revoked" && <Place key={d.id} d={d} />}
          </>
        )}
      </Shown>
    </>
  );
}

function Health({ d }: { d: DeviceBody }) {
  const wrong = reasonsOf(d);
  const facts: [string, string][] = [
    [t().heard, d.last_heard ? `${ago(d.last_heard)} (${when(d.last_heard)})` : ""],
    [t().clock, d.clock_sure === undefined ? "" : d.clock_sure ? t().sure : t().unsure],
    [t().missing, d.missing ? number(d.missing) : ""],
    [t().unacked, d.unacked ? number(d.unacked) : ""],
    [t().free, d.free ? `${number(d.free / 1048576)} MB` : ""],
    [t().software, d.software ?? ""],
    [t().tags, d.tags.join(", ")],
  ];
  return (
    <Card title={t().health} aside={<Tag tone={d.state === "online" ? (wrong.length ? "warn" : "good") : d.state === "waiting" || d.state === "revoked" ? "" : "bad"}>{w().deviceStates[d.state]}</Tag>}>
      <p>
        {[d.sound ? w().sound : "", d.board ? `${w().board} ${d.board.width}×${d.board.height}` : "", unitName(d.unit)].filter(Boolean).join(" · ")}
      </p>
      {wrong.length > 0 && <Note tone="bad">{wrong.join(", ")}</Note>}
      {w().deviceSays[d.state] && <p class={d.state === "waiting" ? "quiet" : "badtext"}>{w().deviceSays[d.state]}</p>}
      {d.playing && <Tag tone="act">{t().playing}</Tag>}
      <dl class="facts">
        {facts
          .filter(([, v]) => v)
          .map(([k, v]) => (
            <div key={k}>
              <dt>{k}</dt>
              <dd>{v}</dd>
            </div>
          ))}
        <div>
          <dt>{t().serves}</dt>
          <dd>{d.serves.length ? d.serves.map((s) => t().share(unitName(s.village), s.share)).join(", ") : t().nobody}</dd>
        </div>
      </dl>
    </Card>
  );
}

function Photo({ d }: { d: DeviceBody }) {
  const version = useSignal(0);
  const there = useSignal(true);
  const [busy, run] = useBusy();
  const keep = (f: File | undefined) =>
    f &&
    run(async () => {
      const r = await fetch(`${prefix}/devices/${d.id}/photo`, { method: "PUT", headers: { "Content-Type": "application/octet-stream" }, body: f });
      if (!r.ok) throw await refused(r);
      there.value = true;
      version.value++;
      notice.value = t().photoKept;
    });
  return (
    <Card title={t().photo}>
      {there.value ? <img key={version.value} class="photo" src={`${prefix}/devices/${d.id}/photo`} alt={`${t().photo}: ${d.name}`} onError={() => (there.value = false)} /> : <p class="quiet">{t().noPhoto}</p>}
      {(schedules() || administers()) && d.state !== "revoked" && (
        <Field label={t().take}>{(f) => <input id={f} type="file" accept="image/*" capture="environment" disabled={busy} onChange={(e) => void keep(e.currentTarget.files?.[0])} />}</Field>
      )}
    </Card>
  );
}

function Claim({ d }: { d: DeviceBody }) {
  const claim = useSignal<ClaimBody | null>(null);
  const [busy, run] = useBusy();
  if (d.state !== "waiting" && !claim.value) return null;
  return (
    <Card title={t().claim}>
      <p class="hint">{t().claimNote}</p>
      {claim.value ? (
        <>
          <Field label={t().code} hint={t().expires(when(claim.value.expires))}>
            {(f, h) => <textarea id={f} aria-describedby={h} readOnly rows={4} class="code" value={claim.value?.claim ?? ""} />}
          </Field>
          <button
            type="button"
            class="second"
            onClick={() => {
              void navigator.clipboard?.writeText(claim.value?.claim ?? "").then(() => (notice.value = t().copied));
            }}
          >
            {t().copy}
          </button>
        </>
      ) : (
        <button type="button" class="button" aria-disabled={busy} onClick={() => void run(async () => void (claim.value = await call<ClaimBody>("POST", "/claims", { device: d.id })))}>
          {t().make}
        </button>
      )}
    </Card>
  );
}

interface Spot {
  name: string;
  unit: string;
  serves: Record<string, string>; // per cent by village
}

/** Where is the part of a form that says where a device stands and whom it serves. */
function Where({ spot, set }: { spot: Spot; set: (part: Partial<Spot>) => void }) {
  const top = units.value.find((u) => u.id === spot.unit);
  const commune = top?.kind === "village" ? top.parent : spot.unit;
  const villages = units.value.filter((u) => u.kind === "village" && !u.valid_until && (u.parent === commune || u.id in spot.serves));
  return (
    <>
      <Field label={t().name}>{(f) => <input id={f} required maxLength={200} value={spot.name} onInput={(e) => set({ name: e.currentTarget.value })} />}</Field>
      <Field label={t().unit}>
        {(f) => (
          <select id={f} value={spot.unit} onChange={(e) => set({ unit: e.currentTarget.value })}>
            {units.value
              .filter((u) => !u.valid_until)
              .map((u) => (
                <option key={u.id} value={u.id}>
                  {u.name}
                </option>
              ))}
          </select>
        )}
      </Field>
      <div class="cols">
        {villages.slice(0, 60).map((v) => (
          <Field key={v.id} label={`${t().village} ${v.name}, ${t().percent}`}>
            {(f) => <input id={f} type="number" min={0} max={100} step={1} value={spot.serves[v.id] ?? ""} onInput={(e) => set({ serves: { ...spot.serves, [v.id]: e.currentTarget.value } })} />}
          </Field>
        ))}
      </div>
    </>
  );
}

const shares = (s: Record<string, string>) => Object.entries(s).filter(([, v]) => Number(v) > 0).map(([village, v]) => ({ village, share: Number(v) / 100 }));

function Place({ d }: { d: DeviceBody }) {
  const spot = useSignal<Spot>({ name: d.name, unit: d.unit, serves: Object.fromEntries(d.serves.map((s) => [s.village, String(Math.round(s.share * 100))])) });
  const registrar = useSignal("");
  const sure = useSignal(false);
  const [busy, run] = useBusy();
  const save = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await call<DeviceBody>("PUT", `/devices/${d.id}/placement`, { name: spot.value.name, unit: spot.value.unit, tags: d.tags, serves: shares(spot.value.serves), registrar_password: registrar.value });
      registrar.value = "";
      notice.value = t().saved;
      touch("device");
    });
  };
  const revoke = () =>
    run(async () => {
      await call<void>("DELETE", `/devices/${d.id}`);
      notice.value = t().revoked;
      touch("device");
    });
  return (
    <details>
      <summary>{t().move}</summary>
      <form class="more" onSubmit={save}>
        <Where spot={spot.value} set={(part) => (spot.value = { ...spot.value, ...part })} />
        <Field label={t().registrar} hint={t().registrarHint}>
          {(f, h) => <input id={f} aria-describedby={h} type="password" autocomplete="off" required value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}
        </Field>
        <Say refusal={trouble.value} />
        <div class="pair wrap">
          <button type="button" class="second" onClick={() => (sure.value = !sure.value)}>
            {t().revoke}
          </button>
          <button type="submit" class="button" aria-disabled={busy}>
            {t().save}
          </button>
        </div>
        {sure.value && (
          <Note tone="warn">
            <p>{t().revokeNote}</p>
            <button type="button" class="button danger" aria-disabled={busy} onClick={() => void revoke()}>
              {t().reallyRevoke}
            </button>
          </Note>
        )}
      </form>
    </details>
  );
}

export function AddDevice() {
  const spot = useSignal<Spot>({ name: "", unit: units.value.find((u) => u.kind === "village")?.id ?? units.value[0]?.id ?? "", serves: {} });
  const id = useSignal("");
  const sound = useSignal(true);
  const board = useSignal(false);
  const size = useSignal({ width: "192", height: "32", row: "16" });
  const registrar = useSignal("");
  const [busy, run] = useBusy();
  const add = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      const body: AddDeviceInputBody = { id: id.value.trim(), name: spot.value.name, unit: spot.value.unit, sound: sound.value, serves: shares(spot.value.serves), registrar_password: registrar.value };
      if (board.value) body.board = { width: Number(size.value.width), height: Number(size.value.height), row: Number(size.value.row) };
      const d = await call<DeviceBody>("POST", "/devices", body);
      touch("device");
      go(`/thiet-bi/${d.id}`);
      notice.value = t().added;
    });
  };
  return (
    <form onSubmit={add}>
      <Title back="/thiet-bi">{t().add}</Title>
      <Field label={t().id} hint={t().idHint}>
        {(f, h) => <input id={f} aria-describedby={h} required pattern="[a-z0-9\-]{1,64}" autocapitalize="none" value={id.value} onInput={(e) => (id.value = e.currentTarget.value)} />}
      </Field>
      <Where spot={spot.value} set={(part) => (spot.value = { ...spot.value, ...part })} />
      <Check label={t().sound} checked={sound.value} onPick={(v) => (sound.value = v)} />
      <Check label={t().board} checked={board.value} onPick={(v) => (board.value = v)} />
      {board.value && (
        <div class="cols">
          {(["width", "height", "row"] as const).map((k) => (
            <Field key={k} label={t()[k]}>
              {(f) => <input id={f} type="number" min={1} max={4096} required value={size.value[k]} onInput={(e) => (size.value = { ...size.value, [k]: e.currentTarget.value })} />}
            </Field>
          ))}
        </div>
      )}
      <Field label={t().registrar} hint={t().registrarHint}>
        {(f, h) => <input id={f} aria-describedby={h} type="password" autocomplete="off" required value={registrar.value} onInput={(e) => (registrar.value = e.currentTarget.value)} />}
      </Field>
      <Foot>
        <Say refusal={trouble.value} />
        <button type="submit" class="button wide" disabled={!sound.value && !board.value} aria-disabled={busy}>
          {t().addVerb}
        </button>
      </Foot>
    </form>
  );
}
