import { useSignal } from "@preact/signals";
import { call, prefix, refused } from "../call";
import type { AddDeviceInputBody, AskedBody, ClaimBody, DeviceBody } from "../api";
import { FileField } from "../filefield";
import { Final } from "../final";
import { reasonsOf } from "../health";
import { administers, dictionary, done, go, installs, may, notice, schedules, touch, trouble, unitName, units, w } from "../state";
import { ago, number, when } from "../time";
import { small } from "../files";
import { Stick } from "./stick";
import { Card, Check, Field, Foot, Note, Say, Shown, Tag, Title, UnitField, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    health: "Tình trạng", volume: "Âm lượng đang phát", serves: "Phục vụ", share: (v: string, s: number) => `${v}: ${Math.round(s * 100)}\u00a0%`, nobody: "Chưa ghi phục vụ thôn nào; không được tính khi xem ai đã nhận.", heard: "Liên lạc lần cuối", software: "Phần mềm", free: "Bộ nhớ còn", missing: "Nội dung chưa tải xong", unacked: "Xác nhận chưa gửi xong", playing: "Đang phát", clock: "Đồng hồ", sure: "chắc", unsure: "chưa chắc", tags: "Nhãn",
    photo: "Ảnh nơi lắp đặt", noPhoto: "Chưa có ảnh. Hãy chụp một tấm để người sau dễ tìm.", take: "Chụp hoặc chọn ảnh", photoKept: "Đã lưu ảnh.", claim: "Ghi danh thiết bị", claimNote: "Mã dùng một lần, để máy tự nhận đúng trung tâm này. Ai có mã đều ghi danh được, nên chỉ đưa cho kỹ thuật viên.", make: "Tạo mã ghi danh", code: "Mã ghi danh (chỉ hiện lần này)", expires: (x: string) => `Hết hạn ${x}.`, copy: "Chép mã", copied: "Đã chép.", picture: "Mã QR của mã ghi danh", scan: "Quét bằng máy của kỹ thuật viên, hoặc chép mã dưới đây sang thiết bị.",
    tone: "Tiếng thử", toneNote: "Ba giây, âm lượng nhỏ, chỉ vang khi không có gì đang hay sắp phát.", toneVerb: "Phát tiếng thử", toneWaits: "Đã gửi, chờ thiết bị trả lời…", toneDone: (x: string) => `Card âm thanh đã phát hết tiếng thử lúc ${x}.`, toneFailed: (why: string, x: string) => `Lúc ${x} không phát trọn: ${why}.`,
    replace: "Thay máy hỏng", replaceNote: "Máy mới nhận đúng tên, nơi đặt và lịch phát của máy này. Máy cũ vẫn chạy cho tới khi mã được dùng; từ lúc đó máy cũ không kết nối được nữa.", makeReplacement: "Tạo mã cho máy mới",
    mute: "Tắt tiếng từ xa", muteNote: "Khi tắt, thiết bị không phát gì cả, kể cả khẩn cấp, cho tới khi bật lại. Ai tắt, lúc nào đều được ghi vào nhật ký.", muteVerb: "Tắt tiếng thiết bị này", unmuteVerb: "Bật tiếng lại", muteSent: "Đã gửi lệnh tắt tiếng.", unmuteSent: "Đã gửi lệnh bật tiếng.", muteAway: "Thiết bị đang mất liên lạc nên chưa nhận được lệnh.",
    move: "Sửa tên, nơi đặt, thôn phục vụ", name: "Tên", unit: "Đơn vị", village: "Phục vụ", percent: "phần dân, %", registrar: "Mật khẩu của người giữ sổ", registrarHint: "Nơi đặt được ký, để thiết bị và thanh tra kiểm tra được.", save: "Lưu", saved: "Đã lưu.", revoke: "Thu hồi thiết bị", revoked: "Đã thu hồi.", revokeNote: "Thiết bị không bao giờ kết nối lại được. Thay máy hỏng thì dùng Thay máy hỏng, không thu hồi.", reallyRevoke: "Thu hồi hẳn",
    add: "Thêm thiết bị", id: "Mã thiết bị", idHint: "Chữ thường không dấu, số, gạch nối. Không đổi được.", sound: "Có loa", board: "Có bảng điện tử", width: "Rộng (điểm)", height: "Cao (điểm)", row: "Cao một dòng", addVerb: "Thêm thiết bị", added: "Đã thêm. Tạo mã ghi danh để lắp.",
  },
  {
    health: "Health", volume: "Volume now", serves: "Serves", share: (v: string, s: number) => `${v}: ${Math.round(s * 100)}\u00a0%`, nobody: "It serves no village yet and counts for nobody.", heard: "Last heard of", software: "Software", free: "Storage left", missing: "Content still missing", unacked: "Receipts not confirmed", playing: "Playing", clock: "Clock", sure: "sure", unsure: "unsure", tags: "Tags",
    photo: "Photograph of the place", noPhoto: "No photograph yet. Take one, so that others find it.", take: "Take or choose a picture", photoKept: "Picture kept.", claim: "Enrol the device", claimNote: "A code for one use, by which the device knows this hub. Whoever has it can enrol, so give it to the technician only.", make: "Make a code", code: "Code (shown this once)", expires: (x: string) => `Expires ${x}.`, copy: "Copy", copied: "Copied.", picture: "QR code of the claim", scan: "Scan it with the technician's device, or copy the code below to the device.",
    tone: "Test tone", toneNote: "Three seconds, softly, and only while nothing is or soon will be on air.", toneVerb: "Sound the tone", toneWaits: "Asked; waiting for the device…", toneDone: (x: string) => `The sound card has taken the whole tone at ${x}.`, toneFailed: (why: string, x: string) => `At ${x} it did not sound whole: ${why}.`,
    replace: "Replace broken hardware", replaceNote: "The new one takes over this name, place and plan. The old one goes on until the code is used; from then on it cannot connect any more.", makeReplacement: "Make a code for the new one",
    mute: "Mute from here", muteNote: "While muted it plays nothing, emergencies included, until it is told to sound again. Who did so, and when, is on record.", muteVerb: "Mute this device", unmuteVerb: "Let it sound again", muteSent: "Told to be silent.", unmuteSent: "Told to sound again.", muteAway: "It is not connected and cannot hear this now.",
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
            {installs() && d.state !== "revoked" && <Claim d={d} />}
            {installs() && d.state === "waiting" && <Stick d={d} />}
            {d.sound && d.enrolled && d.state !== "revoked" && may("editor", "approver", "operator", "administrator", "technician") && <Mute d={d} />}
            {d.sound && d.enrolled && d.state !== "revoked" && installs() && <Tone d={d} />}
            <Photo d={d} />
            {installs() && d.state !== "revoked" && <Place key={d.id} d={d} />}
          </>
        )}
      </Shown>
    </>
  );
}

function Health({ d }: { d: DeviceBody }) {
  const wrong = reasonsOf(d);
  const facts: [string, string][] = [
    [t().volume, d.play && d.play.volume > 0 ? `${d.play.volume}\u00a0%` : ""],
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
      const r = await fetch(`${prefix}/devices/${d.id}/photo`, { method: "PUT", headers: { "Content-Type": "application/octet-stream" }, body: await small(f) });
      if (!r.ok) throw await refused(r);
      there.value = true;
      version.value++;
      notice.value = t().photoKept;
    });
  return (
    <Card title={t().photo}>
      {there.value ? <img key={version.value} class="photo" src={`${prefix}/devices/${d.id}/photo`} alt={`${t().photo}: ${d.name}`} onError={() => (there.value = false)} /> : <p class="quiet">{t().noPhoto}</p>}
      {(schedules() || installs()) && d.state !== "revoked" && (
        <FileField label={t().take} accept="image/*" camera disabled={busy} onFile={(file) => void keep(file)} />
      )}
    </Card>
  );
}

/** Claim brings a device in, or new hardware in its place: a code for one use, to scan. */
function Claim({ d }: { d: DeviceBody }) {
  const claim = useSignal<ClaimBody | null>(null);
  const [busy, run] = useBusy();
  const replaces = d.state !== "waiting";
  const make = () => run(async () => void (claim.value = await call<ClaimBody>("POST", "/claims", { device: d.id })));
  const c = claim.value;
  const body = c ? (
    <>
      <img class="qr" src={`data:image/png;base64,${c.qr}`} alt={t().picture} />
      <p class="hint">{t().scan}</p>
      <Field label={t().code} hint={t().expires(when(c.expires))}>
        {(f, h) => <textarea id={f} aria-describedby={h} readOnly rows={4} class="code" value={c.claim} />}
      </Field>
      <div class="pair wrap">
        <button type="button" class="second" onClick={() => print()}>
          {w().print}
        </button>
        <button
          type="button"
          class="second"
          onClick={() => {
            void navigator.clipboard?.writeText(c.claim).then(() => (notice.value = t().copied));
          }}
        >
          {t().copy}
        </button>
      </div>
    </>
  ) : (
    <button type="button" class={replaces ? "second" : "button"} aria-disabled={busy} onClick={() => void make()}>
      {replaces ? t().makeReplacement : t().make}
    </button>
  );
  if (!replaces)
    return (
      <Card title={t().claim}>
        <p class="hint">{t().claimNote}</p>
        {body}
      </Card>
    );
  return (
    <details>
      <summary>{t().replace}</summary>
      <div class="more">
        <p class="hint">{t().replaceNote}</p>
        <Say refusal={trouble.value} />
        {body}
      </div>
    </details>
  );
}

/** Tone asks the device for a test tone and follows what becomes of it. */
function Tone({ d }: { d: DeviceBody }) {
  const asked = useSignal(0);
  const [busy, run] = useBusy();
  const ask = () => run(async () => void (asked.value = (await call<AskedBody>("POST", `/devices/${d.id}/tone`, {})).number));
  const waits = asked.value > (d.tone?.number ?? 0);
  return (
    <Card title={t().tone}>
      <p class="hint">{t().toneNote}</p>
      <button type="button" class="second" disabled={d.state !== "online"} aria-disabled={busy || waits} onClick={() => void (waits || ask())}>
        {t().toneVerb}
      </button>
      <p role="status">
        {waits ? t().toneWaits : d.tone ? <span class={d.tone.reason ? "badtext" : ""}>{d.tone.reason ? t().toneFailed(w().reasons[d.tone.reason] ?? d.tone.reason, when(d.tone.at)) : t().toneDone(when(d.tone.at))}</span> : ""}
      </p>
      <Say refusal={trouble.value} />
    </Card>
  );
}

/** Mute silences the device from here, or lets it sound again. */
function Mute({ d }: { d: DeviceBody }) {
  const [busy, run] = useBusy();
  const put = (muted: boolean) =>
    run(async () => {
      await call<void>("PUT", `/devices/${d.id}/mute`, { muted });
      done(muted ? t().muteSent : t().unmuteSent, () => call<void>("PUT", `/devices/${d.id}/mute`, { muted: !muted }));
    });
  return (
    <Card title={t().mute}>
      <p class="hint">{t().muteNote}</p>
      <div class="pair wrap">
        {(d.muted ? [false] : [true]).map((muted) => (
          <button key={String(muted)} type="button" class="second" disabled={d.state !== "online"} aria-disabled={busy} onClick={() => void put(muted)}>
            {muted ? t().muteVerb : t().unmuteVerb}
          </button>
        ))}
      </div>
      {d.state !== "online" && <p class="quiet">{t().muteAway}</p>}
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
      <UnitField label={t().unit} value={spot.unit} onPick={(u) => set({ unit: u })} />
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
          {administers() && (
            <Final verb={t().revoke} says={t().revokeNote} really={t().reallyRevoke} busy={busy} act={revoke} />
          )}
          <button type="submit" class="button" aria-disabled={busy}>
            {t().save}
          </button>
        </div>
      </form>
    </details>
  );
}

export function AddDevice() {
  const typed = useSignal<Spot>({ name: "", unit: "", serves: {} });
  // The units may come after the screen.
  const spot = { ...typed.value, unit: typed.value.unit || (units.value.find((u) => u.kind === "village") ?? units.value[0])?.id || "" };
  const id = useSignal("");
  const sound = useSignal(true);
  const board = useSignal(false);
  const size = useSignal({ width: "192", height: "32", row: "16" });
  const registrar = useSignal("");
  const [busy, run] = useBusy();
  const add = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      const body: AddDeviceInputBody = { id: id.value.trim(), name: spot.name, unit: spot.unit, sound: sound.value, serves: shares(spot.serves), registrar_password: registrar.value };
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
      <Where spot={spot} set={(part) => (typed.value = { ...typed.value, ...part })} />
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
