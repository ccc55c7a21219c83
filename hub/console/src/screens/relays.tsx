import { useSignal } from "@preact/signals";
import { call, once } from "../call";
import { api, type AnswerBody, type BulletinBody, type ContentBody, type ForecastBody, type GroupBody, type ItemBody, type ProgrammeBody, type StationBody } from "../api";
import { dictionary, done, go, kept, learnUnits, me, notice, say, touch, trouble, unitName, units, w, writes } from "../state";
import { Boards, Player } from "../player";
import { contentOf, names, planOf, usualDeadline, type Plan } from "../programme";
import { clock, length, when } from "../time";
import { Card, Check, Choice, Empty, Field, Foot, Icon, Lacking, Link, Note, Say, Shown, Tag, Title, useBusy, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Tiếp sóng, chương trình", newRelay: "Thêm tiếp sóng hoặc phát trực tiếp", station: "Đài", live: "Nói trực tiếp từ trang này", who: "Ai nói", whoHint: "Ghi trong hồ sơ duyệt, ví dụ Chủ tịch UBND xã.", sources: "Tiếp sóng và phát trực tiếp đã tạo", spoken: "trực tiếp", fed: "tiếp sóng", toSpeak: "Mở trang nói", slotFrom: "Khung giờ từ", slotTo: "đến", relayNote: "Loa tự ngắt khi hết khung giờ, và không tiếp sóng trong giờ yên tĩnh.", makeRelay: "Tạo tiếp sóng", none: "Chưa có chương trình nào.", noneHint: "Chương trình là một khung giờ: nhạc hiệu, tiếp sóng, các bản tin đã duyệt, rồi nhạc hiệu kết thúc.", add: "Thêm chương trình", groups: "Nhóm xã", noGroups: "Chưa có nhóm nào. Nhóm để một chương trình phát ở nhiều xã, xã nào nhận thì phát.", addGroup: "Thêm nhóm xã", group: "Nhóm", next: (x: string) => `lần tới ${x}`, withdrawn: "đã rút", old: "Chương trình đã rút",
    name: "Tên chương trình", unit: "Của đơn vị", where: "Phát ở", own: "Các đơn vị chọn dưới đây", start: "Giờ bắt đầu", first: "Từ ngày", last: "Đến hết ngày", minutes: "Khung giờ dài (phút)", repeat: "Lặp", daily: "Hằng ngày", weekly: "Các thứ", never: "Một lần", lunar: "Thêm ngày âm lịch mỗi tháng (ví dụ 1, 15)", holidays: "Bỏ ngày lễ",
    items: "Thứ tự phát", long: (n: number) => `${n} phút`, addItem: "Thêm vào chương trình", choose: "Chọn bản tin đã duyệt", noneApproved: "Chưa có bản tin nào được duyệt", up: "Lên", down: "Xuống", remove: "Bỏ", kinds: { opening: "Nhạc hiệu mở đầu", bulletin: "Bản tin", relay: "Tiếp sóng", silence: "Khoảng lặng", closing: "Nhạc hiệu kết thúc" } as Record<string, string>, standIn: "chỉ phát khi tiếp sóng hỏng", makeStandIn: "Dự phòng cho mục trước", hear: "Nghe thử", see: "Xem trên bảng", hearAndSee: "Nghe thử, xem trên bảng",
    save: "Lưu chương trình", saved: "Đã lưu chương trình.", take: "Rút chương trình", took: "Đã rút chương trình.", preview: "Nghe thử ở thôn đầu tiên", answers: "Các xã trả lời", accept: "Nhận", decline: "Từ chối", accepted: "nhận", declined: "từ chối", byRule: "theo quy định của nhóm", deadline: "Hạn trả lời", deadlineHint: "Xã nào nhận thì phát; hết hạn này không đổi câu trả lời được nữa.",
    ifTaken: (at: string, unit: string, n: number) => `Nếu nhận, chương trình phát ở ${unit}${at ? ` từ ${at}` : ""}, mỗi lần không quá ${n} phút.`, has: (unit: string) => `${unit} đã nhận chương trình này.`, hasNot: (unit: string) => `${unit} đã từ chối chương trình này.`, until: (x: string) => `Đổi câu trả lời được đến ${x}.`, over: (x: string) => `Đã hết hạn trả lời lúc ${x}.`, not: "chưa trả lời", silent: (takes: boolean, x: string) => `đến ${x} mà không trả lời thì coi như ${takes ? "nhận" : "không nhận"}`, ofGroup: (g: string, n: number) => `${g}, ${n} xã`, editGroup: (g: string) => `Sửa nhóm ${g}`,
    members: "Các xã trong nhóm", silence: "Không trả lời tức là nhận", saveGroup: "Lưu nhóm", savedGroup: "Đã lưu nhóm.", stock: "Tạo nhạc hiệu", stockMade: "Đã tạo, hãy gửi duyệt một lần rồi dùng mãi.", empty: "Chưa có mục nào. Hãy thêm bản tin đã duyệt.", kind: "Loại mục", order: "Thứ tự trong một khung giờ: đài quốc gia, đài tỉnh, rồi đến xã.",
  },
  {
    title: "Relays, programmes", newRelay: "Relay a station, or speak live", station: "Station", live: "Speak live from this page", who: "Who speaks", whoHint: "It is part of what is approved, like: the chairwoman.", sources: "Relays and live speech", spoken: "live", fed: "relay", toSpeak: "Open the page to speak", slotFrom: "Slot from", slotTo: "to", relayNote: "The device ends it with the slot, and relays nothing in quiet hours.", makeRelay: "Make the relay", none: "There is no programme yet.", noneHint: "A programme is one slot: a chime, a relay, approved bulletins, and the closing chime.", add: "Add a programme", groups: "Groups of communes", noGroups: "There is no group yet. A group is for one programme in several communes, in those that accept it.", addGroup: "Add a group", group: "Group", next: (x: string) => `next ${x}`, withdrawn: "taken back", old: "Programmes taken back",
    name: "Name", unit: "Of unit", where: "Aired in", own: "The units chosen below", start: "Begins at", first: "From", last: "Through", minutes: "Length of the slot (minutes)", repeat: "Repeat", daily: "Every day", weekly: "Weekdays", never: "Once", lunar: "Lunar days of every month as well (1, 15)", holidays: "Not on holidays",
    items: "Order", long: (n: number) => `${n} min`, addItem: "Add to the programme", choose: "Choose an approved bulletin", noneApproved: "No bulletin is approved yet", up: "Up", down: "Down", remove: "Remove", kinds: { opening: "Opening chime", bulletin: "Bulletin", relay: "Relay", silence: "Silence", closing: "Closing chime" } as Record<string, string>, standIn: "only if the relay fails", makeStandIn: "Stands in for the one before", hear: "Listen", see: "See it on boards", hearAndSee: "Listen, see it on boards",
    save: "Save the programme", saved: "Programme saved.", take: "Take the programme back", took: "Programme taken back.", preview: "As heard in the first village", answers: "What communes said", accept: "Accept", decline: "Decline", accepted: "accepted", declined: "declined", byRule: "by the group's rule", deadline: "Answer until", deadlineHint: "It is aired in the communes that accept; after this they cannot change their answer.",
    ifTaken: (at: string, unit: string, n: number) => `If you accept, it is aired in ${unit}${at ? ` from ${at}` : ""}, at most ${n} min each time.`, has: (unit: string) => `${unit} has accepted this programme.`, hasNot: (unit: string) => `${unit} has declined this programme.`, until: (x: string) => `The answer can be changed until ${x}.`, over: (x: string) => `The time to answer was over at ${x}.`, not: "no answer yet", silent: (takes: boolean, x: string) => `without one at ${x} it ${takes ? "is" : "is not"} taken`, ofGroup: (g: string, n: number) => `${g}, ${n} communes`, editGroup: (g: string) => `Change the group ${g}`,
    members: "Communes of the group", silence: "No answer means accepted", saveGroup: "Save the group", savedGroup: "Group saved.", stock: "Make a chime", stockMade: "Made; have it approved once and use it ever after.", empty: "Nothing in it yet. Add approved bulletins.", kind: "Kind", order: "Order within a slot: national relay, province, then commune.",
  },
);

/** loadGroups reads the groups, and learns what communes of others in them are called. */
const loadGroups = async (): Promise<GroupBody[]> => {
  const list = await call<GroupBody[]>("GET", "/groups");
  list.forEach((g) => learnUnits(g.names));
  return list;
};

/** learn keeps the name of the unit that a programme comes from. */
const learn = (p: ProgrammeBody): ProgrammeBody => {
  learnUnits([{ id: p.unit, name: p.unit_name }]);
  return p;
};

export function Relays() {
  const programmes = useLoaded("programmes", ["programme"], async () => (await api.programmes()).map(learn));
  const groups = useLoaded("groups", ["programme"], loadGroups);
  return (
    <>
      <Title>{t().title}</Title>
      {writes() && (
        <Link to="/tiep-song/moi" class="button wide">
          <Icon name="relay" />
          {t().add}
        </Link>
      )}
      <p class="hint">{t().order}</p>
      <Shown of={programmes}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon="relay" hint={t().noneHint}>
              {t().none}
            </Empty>
          ) : (
            <>
              <List of={list.filter((p) => !p.withdrawn)} groups={groups.data ?? []} />
              {list.some((p) => p.withdrawn) && (
                <details>
                  <summary>{t().old}</summary>
                  <div class="more">
                    <List of={list.filter((p) => p.withdrawn)} groups={groups.data ?? []} />
                  </div>
                </details>
              )}
            </>
          )
        }
      </Shown>
      <Sources />
      {writes() && <NewRelay />}
      <Card title={t().groups}>
        {programmes.data && <Lacking of={[groups]} />}
        {groups.data?.length === 0 && <p class="quiet">{t().noGroups}</p>}
        <ul class="rows">
          {(groups.data ?? []).map((g) => (
            <li key={g.id} class="row">
              <b>{g.name}</b>
              <span class="quiet">{g.members.map(unitName).join(", ")}</span>
              {governs(g.unit) && <GroupForm key={g.id} before={g} />}
            </li>
          ))}
        </ul>
        {grouping().length > 0 && <GroupForm />}
      </Card>
    </>
  );
}

function List({ of, groups }: { of: ProgrammeBody[]; groups: GroupBody[] }) {
  return (
    <ul class="rows cards">
      {of.map((p) => (
        <li key={p.id}>
          <Link to={`/tiep-song/${p.id}`} class="row">
            <b>{p.name}</b>
            {p.group && <Tag>{groups.find((g) => g.id === p.group)?.name ?? t().group}</Tag>}
            {p.withdrawn && <Tag>{t().withdrawn}</Tag>}
            {p.asked.length > 0 && <Tag tone="act">{w().toAnswer}</Tag>}
            <span class="quiet">{[unitName(p.unit), p.next ? t().next(when(p.next)) : "", p.items.map((i) => t().kinds[i.kind]).slice(0, 4).join(" → ")].filter(Boolean).join(" · ")}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** live stands for no station: somebody speaks. */
const live = "-";

const mine = (): string[] => [...new Set((me.value?.grants ?? []).filter((g) => g.role === "editor" || g.role === "operator").map((g) => g.unit))];

/** Sources lists the streams that were made, with the way to speak into one. */
function Sources() {
  const bulletins = useLoaded("bulletins", ["bulletin"], api.bulletins);
  const list = (bulletins.data ?? []).filter((b) => b.relay);
  if (!list.length) return null;
  return (
    <Card title={t().sources}>
      <ul class="rows">
        {list.slice(0, 20).map((b) => (
          <li key={b.id} class="row">
            <b>
              <Link to={b.state === "ready" ? `/gui/${b.id}` : `/phat/${b.id}`}>{b.title}</Link>
            </b>
            <Tag tone={b.state === "approved" ? "good" : ""}>{w().state[b.state]}</Tag>
            <span class="quiet">{[b.relay?.url ? t().fed : t().spoken, b.relay && `${b.relay.from}–${b.relay.to}`].filter(Boolean).join(", ")}</span>
            {writes() && b.state === "approved" && !b.relay?.url && (
              <Link to={`/truc-tiep/${b.id}`} class="second">
                {t().toSpeak}
              </Link>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** NewRelay makes a bulletin of a station's stream or of live speech, to be approved once and aired as any other. */
function NewRelay() {
  const stations = useLoaded("stations", [], () => call<StationBody[]>("GET", "/stations"));
  const f = useSignal({ station: "", who: "", from: "05:00", to: "05:30", minutes: "30" });
  const [busy, run] = useBusy();
  const v = f.value;
  const list = stations.data ?? [];
  const station = v.station || (list[0]?.id ?? live);
  const make = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      const b = await once<BulletinBody>("POST", "/relays", { unit: mine()[0], ...(station === live ? { source: v.who.trim() } : { station }), minutes: Number(v.minutes), from: v.from, to: v.to });
      touch("bulletin");
      go(`/gui/${b.id}`);
    });
  };
  return (
    <details>
      <summary>{t().newRelay}</summary>
      <form class="more" onSubmit={make}>
        <Field label={t().station}>
          {(x) => (
            <select id={x} value={station} onChange={(e) => (f.value = { ...v, station: e.currentTarget.value })}>
              {list.map((s) => (
                <option key={s.id} value={s.id}>
                  {s.name}
                </option>
              ))}
              <option value={live}>{t().live}</option>
            </select>
          )}
        </Field>
        {station === live && (
          <Field label={t().who} hint={t().whoHint}>
            {(x, h) => <input id={x} aria-describedby={h} required maxLength={200} value={v.who} onInput={(e) => (f.value = { ...v, who: e.currentTarget.value })} />}
          </Field>
        )}
        <div class="cols">
          <Field label={t().slotFrom}>{(x) => <input id={x} type="time" required value={v.from} onInput={(e) => (f.value = { ...v, from: e.currentTarget.value })} />}</Field>
          <Field label={t().slotTo}>{(x) => <input id={x} type="time" required value={v.to} onInput={(e) => (f.value = { ...v, to: e.currentTarget.value })} />}</Field>
          <Field label={t().minutes}>{(x) => <input id={x} type="number" min={1} max={240} required value={v.minutes} onInput={(e) => (f.value = { ...v, minutes: e.currentTarget.value })} />}</Field>
        </div>
        <p class="hint">{t().relayNote}</p>
        <Say refusal={trouble.value} />
        <button type="submit" class="button" aria-disabled={busy}>
          {t().makeRelay}
        </button>
      </form>
    </details>
  );
}

/** grouping are the person's units that have communes to group. */
const grouping = (): string[] => mine().filter((top) => communesOf(top).length > 1);
const communesOf = (top: string) => units.value.filter((u) => u.kind === "commune" && !u.valid_until && u.id !== top && u.path.includes(top));

/** GroupForm names a group of communes, or changes one. */
function GroupForm({ before }: { before?: GroupBody }) {
  const unit = useSignal(before?.unit ?? grouping()[0] ?? "");
  const name = useSignal(before?.name ?? "");
  const members = useSignal<string[]>(before?.members ?? []);
  const accept = useSignal(before?.accept ?? false);
  const [busy, run] = useBusy();
  const save = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      const body = { unit: unit.value, name: name.value, members: members.value, accept: accept.value };
      if (before) await call<GroupBody>("PUT", `/groups/${before.id}`, body);
      else {
        await once<GroupBody>("POST", "/groups", body);
        name.value = "";
        members.value = [];
      }
      notice.value = t().savedGroup;
      touch("programme");
    });
  };
  return (
    <details>
      <summary>{before ? t().editGroup(before.name) : t().addGroup}</summary>
      <form class="more" onSubmit={save}>
        {!before && grouping().length > 1 && (
          <Field label={t().unit}>
            {(f) => (
              <select
                id={f}
                value={unit.value}
                onChange={(e) => {
                  unit.value = e.currentTarget.value;
                  members.value = [];
                }}
              >
                {grouping().map((u) => (
                  <option key={u} value={u}>
                    {unitName(u)}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        <Field label={t().group}>{(f) => <input id={f} required maxLength={200} value={name.value} onInput={(e) => (name.value = e.currentTarget.value)} />}</Field>
        <fieldset class="choice">
          <legend>{t().members}</legend>
          <div class="villages">
            {communesOf(unit.value).map((u) => (
              <Check key={u.id} label={u.name} checked={members.value.includes(u.id)} onPick={(on) => (members.value = on ? [...members.value, u.id] : members.value.filter((x) => x !== u.id))} />
            ))}
          </div>
        </fieldset>
        <Check label={t().silence} checked={accept.value} onPick={(v) => (accept.value = v)} />
        <Say refusal={trouble.value} />
        <button type="submit" class="button" aria-disabled={busy} disabled={members.value.length === 0}>
          {t().saveGroup}
        </button>
      </form>
    </details>
  );
}

/** Programme makes or changes one programme; the id "moi" is a new one. */
export function Programme({ id }: { id: string }) {
  const fresh = id === "moi";
  const programme = useLoaded(id, [], () => (fresh ? Promise.resolve(null) : call<ProgrammeBody>("GET", `/programmes/${id}`).then(learn)));
  const groups = useLoaded("groups", [], loadGroups);
  const approved = useLoaded("approved", ["bulletin"], async () => (await api.bulletins()).filter((b) => b.state === "approved" && (b.sound || b.relay) && b.class !== "emergency"));
  return (
    <>
      <Title back="/tiep-song">{programme.data?.name ?? t().add}</Title>
      <Shown of={programme}>
        {(p) => (
          <>
            {p && !governs(p.unit) && <Contents p={p} />}
            {p?.group && groups.data && <Answers p={p} group={groups.data.find((g) => g.id === p.group)} />}
            {(!p || governs(p.unit)) && <Form key={id} before={p} groups={(groups.data ?? []).filter((g) => governs(g.unit))} approved={approved.data ?? []} />}
          </>
        )}
      </Shown>
    </>
  );
}

/** governs says whether the person may change what belongs to a unit. */
const governs = (unit: string): boolean => (units.value.find((u) => u.id === unit)?.path ?? [unit]).some((u) => mine().includes(u));

/** answersFor are the communes for which the person answers: their very own. */
const answersFor = (): string[] => [...new Set((me.value?.grants ?? []).filter((g) => ["editor", "approver", "operator"].includes(g.role)).map((g) => g.unit))];

/** Contents is a programme of somebody else's, to be read; who may answer it hears and sees first what is in it. */
function Contents({ p }: { p: ProgrammeBody }) {
  return (
    <Card title={t().items}>
      <p class="quiet">{[unitName(p.unit), p.next ? t().next(when(p.next)) : "", t().long(p.slot.minutes)].filter(Boolean).join(" · ")}</p>
      <ol class="rows">
        {p.items.map((it, i) => {
          const b = p.contents?.find((c) => c.id === it.bulletin);
          return (
            <li key={i} class="row">
              <b>{[t().kinds[it.kind], p.titles?.[i]].filter(Boolean).join(": ")}</b>
              {it.stand_in && <Tag>{t().standIn}</Tag>}
              {b && (b.sound || b.board) && <Preview b={b} />}
            </li>
          );
        })}
      </ol>
    </Card>
  );
}

/** Preview is the sound and the pages of one bulletin, fetched when they are wanted. */
function Preview({ b }: { b: ContentBody }) {
  const open = useSignal(false);
  return (
    <details onToggle={(e) => (open.value = e.currentTarget.open)}>
      <summary>{b.sound ? (b.board ? t().hearAndSee : t().hear) : t().see}</summary>
      {open.value && (
        <div class="more">
          {b.sound && <Player bulletin={b} />}
          {b.board && <Boards bulletin={b} />}
        </div>
      )}
    </details>
  );
}

/** Answers is what each commune of the group has said, and the way to say so for one's own. */
function Answers({ p, group }: { p: ProgrammeBody; group: GroupBody | undefined }) {
  const answers = useLoaded(p.id, ["programme"], () => call<AnswerBody[]>("GET", `/programmes/${p.id}/answers`));
  const said = (unit: string) => answers.data?.find((a) => a.unit === unit);
  const members = group?.members ?? (answers.data ?? []).map((a) => a.unit);
  const deadline = p.deadline ?? "";
  const open = !p.withdrawn && Date.parse(deadline) > Date.now();
  const own = members.filter((u) => answersFor().includes(u));
  return (
    <Card title={t().answers}>
      <p class="quiet">{[group && t().ofGroup(group.name, members.length), open ? `${t().deadline}: ${when(deadline)}` : t().over(when(deadline))].filter(Boolean).join(" · ")}</p>
      <Shown of={answers}>
        {() => (
          <ul class="rows">
            {members.map((u) => {
              const a = said(u);
              return (
                <li key={u} class="row">
                  <b>{unitName(u)}</b>
                  <Tag tone={a ? (a.accepted ? "good" : "bad") : "warn"}>{a ? (a.accepted ? t().accepted : t().declined) : t().not}</Tag>
                  <span class="quiet">{a ? (a.by ? `${a.by_name}, ${when(a.at)}` : t().byRule) : group && open ? t().silent(Boolean(group.accept), when(deadline)) : ""}</span>
                </li>
              );
            })}
          </ul>
        )}
      </Shown>
      {open && answers.data && own.map((u) => <Answer key={u} p={p} unit={u} said={said(u)} />)}
    </Card>
  );
}

/** Answer accepts or declines for one commune; until the deadline it can be changed. */
function Answer({ p, unit, said }: { p: ProgrammeBody; unit: string; said: AnswerBody | undefined }) {
  const [busy, run] = useBusy();
  const answer = (accept: boolean) =>
    run(async () => {
      await call<void>("PUT", `/programmes/${p.id}/answers/${unit}`, { accept });
      touch("programme");
    });
  return (
    <div class="stack">
      <p role="status">{said ? `${said.accepted ? t().has(unitName(unit)) : t().hasNot(unitName(unit))} ${t().until(when(p.deadline ?? ""))}` : t().ifTaken(p.next ? when(p.next) : "", unitName(unit), p.slot.minutes)}</p>
      <Say refusal={trouble.value} />
      <div class="pair">
        {said?.accepted !== false && (
          <button type="button" class="second" aria-disabled={busy} onClick={() => void answer(false)}>
            {t().decline}
          </button>
        )}
        {!said?.accepted && (
          <button type="button" class="button" aria-disabled={busy} onClick={() => void answer(true)}>
            {t().accept}
          </button>
        )}
      </div>
    </div>
  );
}

function Form({ before, groups, approved }: { before: ProgrammeBody | null; groups: GroupBody[]; approved: BulletinBody[] }) {
  const plan = useSignal(planOf(before, mine()[0] ?? ""));
  const v = plan.value;
  const set = (part: Partial<Plan>) => (plan.value = { ...plan.value, ...part });
  const pick = useSignal("");
  const kind = useSignal<ItemBody["kind"]>("bulletin");
  const [busy, run] = useBusy();
  const places = v.group ? (groups.find((g) => g.id === v.group)?.members ?? []) : v.units;
  const village = units.value.find((u) => u.kind === "village" && places.some((x) => u.path.includes(x)))?.id;
  const forecast = useLoaded(JSON.stringify(v), [], () =>
    village && v.items.length ? call<ForecastBody>("POST", "/programmes/preview", { village, programme: contentOf(v), ...(before ? { id: before.id } : {}) }).catch(() => undefined) : Promise.resolve(undefined),
  );
  const title = (b: string): string => approved.find((x) => x.id === b)?.title ?? before?.titles?.[before.items.findIndex((i) => i.bulletin === b)] ?? b;
  const swap = (i: number, by: number) => {
    const list = v.items.slice();
    const [x] = list.splice(i, 1);
    if (x) list.splice(i + by, 0, x);
    set({ items: list });
  };
  const save = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      const c = contentOf(v);
      const made = before ? await call<ProgrammeBody>("PUT", `/programmes/${before.id}`, c) : await once<ProgrammeBody>("POST", "/programmes", c);
      touch("programme");
      go("/tiep-song", true);
      done(t().saved, async () => {
        if (before) await call<ProgrammeBody>("PUT", `/programmes/${made.id}`, contentOf(planOf(before, mine()[0] ?? "")));
        else await call<void>("DELETE", `/programmes/${made.id}`);
        touch("programme");
      });
    });
  };
  const take = () =>
    run(async () => {
      await call<void>("DELETE", `/programmes/${before?.id}`);
      touch("programme");
      go("/tiep-song", true);
      if (before)
        done(t().took, async () => {
          await once<ProgrammeBody>("POST", "/programmes", contentOf(planOf(before, mine()[0] ?? "")));
          touch("programme");
        });
    });
  const stock = (k: "opening" | "closing") =>
    run(async () => {
      const b = await once<BulletinBody>("POST", "/library", { unit: v.unit, kind: k });
      kept.set("stock", b.id);
      go(`/nghe/${b.id}`);
      notice.value = t().stockMade;
    });
  const communes = units.value.filter((u) => !u.valid_until && u.kind !== "village" && u.path.includes(v.unit));
  return (
    <form onSubmit={save}>
      <Field label={t().name}>{(f) => <input id={f} required maxLength={200} value={v.name} onInput={(e) => set({ name: e.currentTarget.value })} />}</Field>
      {groups.length > 0 && (
        <Field label={t().where}>
          {(f) => (
            <select id={f} value={v.group} onChange={(e) => set({ group: e.currentTarget.value })}>
              <option value="">{t().own}</option>
              {groups.map((g) => (
                <option key={g.id} value={g.id}>
                  {g.name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {v.group ? (
        <Field label={t().deadline} hint={t().deadlineHint}>
          {(f, h) => <input id={f} aria-describedby={h} type="datetime-local" required value={v.deadline || usualDeadline(v)} onInput={(e) => set({ deadline: e.currentTarget.value })} />}
        </Field>
      ) : (
        communes.length > 1 && (
          <div class="villages">
            {communes.map((u) => (
              <Check key={u.id} label={u.name} checked={v.units.includes(u.id)} onPick={(on) => set({ units: on ? [...v.units, u.id] : v.units.filter((x) => x !== u.id) })} />
            ))}
          </div>
        )
      )}
      <div class="cols">
        <Field label={t().first}>{(f) => <input id={f} type="date" required value={v.day} onInput={(e) => set({ day: e.currentTarget.value })} />}</Field>
        <Field label={t().start}>{(f) => <input id={f} type="time" required value={v.hour} onInput={(e) => set({ hour: e.currentTarget.value })} />}</Field>
        <Field label={t().minutes}>{(f) => <input id={f} type="number" min={1} max={240} required value={v.minutes} onInput={(e) => set({ minutes: e.currentTarget.value })} />}</Field>
      </div>
      <Choice label={t().repeat} name="repeat" row value={v.repeat} onPick={(repeat) => set({ repeat })} options={[{ value: "", label: t().never }, { value: "FREQ=DAILY", label: t().daily }, { value: "week", label: t().weekly }]} />
      {v.repeat === "week" && (
        <div class="chips" role="group" aria-label={t().weekly}>
          {names.map((d, i) => (
            <button key={d} type="button" class="chip" aria-label={w().weekdaysLong[i]} aria-pressed={v.days.includes(d)} onClick={() => set({ days: v.days.includes(d) ? v.days.filter((x) => x !== d) : [...v.days, d] })}>
              {w().weekdays[i]}
            </button>
          ))}
        </div>
      )}
      {v.repeat && <Field label={t().last}>{(f) => <input id={f} type="date" value={v.last} onInput={(e) => set({ last: e.currentTarget.value })} />}</Field>}
      <Field label={t().lunar}>{(f) => <input id={f} inputMode="numeric" value={v.lunar} onInput={(e) => set({ lunar: e.currentTarget.value })} />}</Field>
      <Check label={t().holidays} checked={v.skip} onPick={(skip) => set({ skip })} />
      <Card title={t().items}>
        {v.items.length === 0 && <p class="quiet">{t().empty}</p>}
        <ol class="rows">
          {v.items.map((it, i) => (
            <li key={i} class="row">
              <b>
                {t().kinds[it.kind]}: {title(it.bulletin)}
              </b>
              {it.stand_in && <Tag>{t().standIn}</Tag>}
              <span class="acts">
                {it.kind === "bulletin" && i > 0 && (it.stand_in || v.items[i - 1]?.kind === "relay") && (
                  <button type="button" class="second small" aria-pressed={Boolean(it.stand_in)} aria-label={`${t().makeStandIn}: ${title(it.bulletin)}`} onClick={() => set({ items: v.items.map((x, k) => (k === i ? { ...x, stand_in: !x.stand_in } : x)) })}>
                    {t().makeStandIn}
                  </button>
                )}
                <button type="button" class="second small" disabled={i === 0} aria-label={`${t().up}: ${title(it.bulletin)}`} onClick={() => swap(i, -1)}>
                  ↑
                </button>
                <button type="button" class="second small" disabled={i === v.items.length - 1} aria-label={`${t().down}: ${title(it.bulletin)}`} onClick={() => swap(i, 1)}>
                  ↓
                </button>
                <button type="button" class="second small" aria-label={`${t().remove}: ${title(it.bulletin)}`} onClick={() => set({ items: v.items.filter((_, k) => k !== i) })}>
                  {t().remove}
                </button>
              </span>
            </li>
          ))}
        </ol>
        <Field label={t().kind}>
          {(f) => (
            <select id={f} value={kind.value} onChange={(e) => (kind.value = e.currentTarget.value as ItemBody["kind"])}>
              {Object.entries(t().kinds).map(([k, label]) => (
                <option key={k} value={k}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={t().choose}>
          {(f) => (
            <select id={f} value={pick.value} onChange={(e) => (pick.value = e.currentTarget.value)}>
              <option value="">{approved.length ? "" : t().noneApproved}</option>
              {approved.map((b) => (
                <option key={b.id} value={b.id}>
                  {b.title} ({length(b.length_ms ?? 0)})
                </option>
              ))}
            </select>
          )}
        </Field>
        <div class="pair wrap">
          <button type="button" class="second" disabled={!pick.value} onClick={() => set({ items: [...v.items, { kind: kind.value, bulletin: pick.value }] })}>
            {t().addItem}
          </button>
          {(["opening", "closing"] as const).includes(kind.value as "opening") && (
            <button type="button" class="second" aria-disabled={busy} onClick={() => void stock(kind.value as "opening")}>
              {t().stock}
            </button>
          )}
        </div>
      </Card>
      {forecast.data && (
        <Card title={t().preview}>
          <ul class="rows">
            {forecast.data.lines.map((l) => (
              <li key={l.start + l.title} class="row">
                <b>
                  {clock(l.begins ?? l.start)} {l.title}
                </b>
                {l.outcome !== "played" && <Tag tone="bad">{w().reasons[l.reason ?? ""] ?? w().outcomes[l.outcome]}</Tag>}
                {l.note && <span class="quiet">{say(l.note)}</span>}
              </li>
            ))}
          </ul>
          {forecast.data.warnings.map((x) => (
            <Note key={x.en} tone="warn">
              {say(x)}
            </Note>
          ))}
        </Card>
      )}
      <Foot>
        <Say refusal={trouble.value} />
        <div class="pair wrap">
          {before && !before.withdrawn && (
            <button type="button" class="second" aria-disabled={busy} onClick={() => void take()}>
              {t().take}
            </button>
          )}
          <button type="submit" class="button" disabled={v.items.length === 0} aria-disabled={busy}>
            {t().save}
          </button>
        </div>
      </Foot>
    </form>
  );
}
