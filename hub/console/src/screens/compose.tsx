import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, type BulletinBody } from "../api";
import { call, newKey, Refusal } from "../call";
import { diff } from "../diff";
import { contentOf, current, draftOf, empty, fetchDraft, forget, fresh, keep, recall, send, written, type Draft, type Kept } from "../draft";
import { FileField } from "../filefield";
import { post } from "../outbox";
import type Recorder from "../record";
import type Reading from "../reading";
import type Sketch from "../sketch";
import { done as undoable, failed, go, kept, me, notice, touch, trouble, unitName, w, writes } from "../state";
import { clock, length } from "../time";
import { Card, Check, Choice, Field, Foot, Lacking, Loading, Note, Say, Title, useBusy, useLoaded } from "../ui";

/** readingTime is roughly how long a text takes to read out, in ms: two words a second with the chime, for numbers and abbreviations grow when spoken. */
const readingTime = (text: string): number => text.split(/\s+/).filter(Boolean).length * 500;

function MayNot() {
  return (
    <>
      <Title back="/">{w().composeBulletin}</Title>
      <Note>{w().mayNotWrite}</Note>
    </>
  );
}

/** Compose writes a new bulletin, or a new revision of one. */
export function Compose({ id }: { id: string }) {
  const before = useLoaded<BulletinBody | null>(id, [], () => (id ? api.bulletin(id) : Promise.resolve(null)));
  const draft = useSignal(id || current());
  if (!writes()) return <MayNot />;
  if (before.data !== undefined) return <Form key={draft.value} draft={draft.value} id={id} before={before.data} onNew={() => (draft.value = fresh())} />;
  return (
    <>
      <Title back="/">{w().composeBulletin}</Title>
      <Lacking of={[before]} />
    </>
  );
}

/** Resume goes on with a draft that the hub keeps, whichever copy is newer. */
export function Resume({ id }: { id: string }) {
  const ready = useSignal(false);
  useEffect(() => {
    void fetchDraft(id).then((d) => {
      if (d && d.changed > (recall(id)?.changed ?? 0)) keep(id, d);
      ready.value = true;
    });
  }, [id]);
  if (!writes()) return <MayNot />;
  if (!ready.value) return <Loading />;
  return <Form draft={id} id="" before={null} onNew={() => go("/soan")} />;
}

function mine(): string[] {
  return [...new Set((me.value?.grants ?? []).filter((g) => g.role === "editor" || g.role === "operator").map((g) => g.unit))];
}

function Form({ id, draft, before, onNew }: { id: string; draft: string; before: BulletinBody | null; onNew: () => void }) {
  const own = mine();
  const d = useSignal<Draft>(recall(draft) ?? (before ? draftOf(before) : empty(own[0] ?? "")));
  // What was begun before can be thrown away at once.
  const saved = useSignal<[Kept, Date] | null>(d.value.changed > 0 ? ["here", new Date(d.value.changed)] : null);
  const theirs = useSignal<BulletinBody | null>(before && d.value.edition && d.value.edition !== before.edition ? before : null);
  const sent = useRef(false);
  const [busy, run] = useBusy();
  const set = (part: Partial<Draft>) => (d.value = { ...d.value, ...part, changed: Date.now() });
  if (!own.includes(d.value.unit) && !before) d.value = { ...d.value, unit: own[0] ?? "" };

  // What is typed is kept here half a second later, at the hub two seconds later.
  useEffect(() => {
    let here: ReturnType<typeof setTimeout> | undefined;
    let hub: ReturnType<typeof setTimeout> | undefined;
    let last = d.value;
    const write = () => {
      clearTimeout(here);
      here = undefined;
      if (sent.current || d.value === last) return;
      last = d.value;
      keep(draft, d.value);
      saved.value ??= ["here", new Date()];
    };
    const share = async () => {
      hub = undefined;
      if (sent.current || !written(d.value)) return;
      const before = d.value;
      const kept = await send(draft, before);
      if (!sent.current) saved.value = [kept, new Date()];
      // What the hub could not take is tried again.
      if (kept === "here" || d.value !== before) hub ??= setTimeout(() => void share(), kept === "here" ? 10_000 : 2000);
    };
    // What a closed tab kept here only.
    if (d.value.changed > 0) hub = setTimeout(() => void share(), 2000);
    const unsubscribe = d.subscribe((v) => {
      if (v === last) return;
      here ??= setTimeout(write, 500);
      hub ??= setTimeout(() => void share(), 2000);
    });
    addEventListener("pagehide", write);
    return () => {
      unsubscribe();
      removeEventListener("pagehide", write);
      write();
      clearTimeout(hub);
      if (hub !== undefined) void share();
    };
  }, []);

  const v = d.value;
  const submit = () =>
    run(async () => {
      if ((v.source === "record" || v.source === "file") && !v.upload) throw lacking(v.source);
      const content = contentOf(v);
      keep(draft, v);
      if (id) {
        try {
          const b = await api.edit(id, content, v.edition);
          return done(`/nghe/${b.id}`);
        } catch (e) {
          if (!(e instanceof Refusal) || e.code !== "changed-meanwhile") throw e;
          theirs.value = await newest(id);
          return scrollTo(0, 0);
        }
      }
      const key = newKey();
      try {
        const b = await call<BulletinBody>("POST", "/bulletins", content, key);
        done(`/nghe/${b.id}`);
      } catch (e) {
        if (e instanceof Refusal) throw e;
        // The hub is away: it is sent once, when it can be reached.
        post(key, draft, content);
        sent.current = true;
        if (kept.get("draft") === draft) kept.set("draft", "");
        go("/");
        notice.value = w().willBeSent;
      }
    });
  const done = (to: string) => {
    sent.current = true;
    forget(draft);
    touch("bulletin");
    go(to);
  };
  /** choose goes on with one's own words or with those of who edited it meanwhile; b is their revision. */
  const choose = (b: BulletinBody, own: boolean) => {
    const was = { ...d.value, edition: b.edition };
    theirs.value = null;
    const take = (next: Draft) => {
      keep(b.id, next);
      if (b.id === id) return void (d.value = next);
      sent.current = true;
      forget(draft);
      go(`/soan/${b.id}`);
    };
    take(own ? { ...was, changed: Date.now() } : { ...draftOf(b), changed: Date.now() });
    if (own) notice.value = w().keptMine;
    else
      undoable(w().tookTheirs, async () => {
        keep(b.id, { ...was, changed: Date.now() });
        if (b.id === id) d.value = { ...was, changed: Date.now() };
        else go(`/soan/${b.id}`);
      });
  };
  const discard = () => {
    sent.current = true;
    const was = d.value;
    forget(draft);
    if (before) go(`/phat/${before.id}`);
    else onNew();
    undoable(w().discarded, async () => {
      keep(draft, was);
      await send(draft, was);
      touch("draft", "bulletin");
      go(before ? `/soan/${before.id}` : `/nhap/${draft}`);
    });
  };

  return (
    <form
      class={v.class === "emergency" ? (v.drill ? "mood drill" : "mood alarm") : ""}
      onSubmit={(e) => {
        e.preventDefault();
        void submit();
      }}
    >
      <Title back="/">
        {w().composeBulletin} <small class="step">{w().step(1)}</small>
      </Title>
      {theirs.value && <Meanwhile of={theirs.value} mine={v} onPick={choose} />}
      {before?.state === "returned" && before.problem && (
        <Note tone="bad">
          <b>{w().returnedFor}:</b> {before.problem}
        </Note>
      )}
      {before && ["submitted", "approved"].includes(before.state) && <Note>{w().newRevision}</Note>}
      <Choice
        label={w().kind}
        name="class"
        row
        value={v.class}
        onPick={(c) => set({ class: c, drill: c === "emergency" ? v.drill : false })}
        options={[
          { value: "normal", label: w().normal },
          { value: "priority", label: w().priority },
          { value: "emergency", label: w().emergency, tone: "bad" },
        ]}
      />
      {!v.drill && <p class="hint">{v.class === "normal" ? w().normalHint : v.class === "priority" ? w().priorityHint : w().emergencyHint}</p>}
      {v.class === "emergency" && v.source === "text" && <Check label={w().drill} hint={w().drillHint} checked={v.drill} onPick={(drill) => set({ drill })} />}
      <Choice
        label={w().source}
        name="source"
        row
        value={v.source}
        onPick={(source) => set({ source, chime: source !== "file", drill: source === "text" && v.drill, boardOn: v.boardOn || source === "none" })}
        options={[
          { value: "text", label: w().fromText },
          { value: "record", label: w().fromMicrophone },
          { value: "file", label: w().fromFile },
          { value: "none", label: w().noSound },
        ]}
      />
      {own.length > 1 && !before && (
        <Field label={w().unit}>
          {(f) => (
            <select id={f} value={v.unit} onChange={(e) => set({ unit: e.currentTarget.value })}>
              {own.map((u) => (
                <option key={u} value={u}>
                  {unitName(u)}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Field label={w().title} hint={w().titleHint}>
        {(f, h) => <input id={f} aria-describedby={h} name="title" maxLength={200} value={v.title} onInput={(e) => set({ title: e.currentTarget.value })} />}
      </Field>
      {v.source === "file" && <Upload draft={v} set={set} />}
      {v.source === "record" && <Microphone draft={draft} done={Boolean(v.upload)} onDone={(upload) => set({ upload, uploadName: upload ? w().recordName : "" })} />}
      {v.source !== "none" && (
        <Field label={v.source !== "text" ? w().textOfFile : w().text} {...(v.source === "text" && v.text.trim() ? { hint: w().textHint(length(readingTime(v.text))) } : {})}>
          {(f, h) => (
            <textarea id={f} aria-describedby={h} name="text" rows={v.source !== "text" ? 3 : 8} required={v.source === "text"} value={v.text} onInput={(e) => set({ text: e.currentTarget.value })} />
          )}
        </Field>
      )}
      {v.source === "text" && v.text.trim() !== "" && <Said draft={v} />}
      {v.source !== "none" && <Check label={w().showOnBoard} checked={v.boardOn} onPick={(boardOn) => set({ boardOn, board: v.board || (boardOn ? v.text.trim().slice(0, 200) : "") })} />}
      {v.boardOn && (
        <Field label={w().boardText} hint={w().boardHint([...v.board].length)}>
          {(f, h) => <textarea id={f} aria-describedby={h} name="board" rows={3} required value={v.board} onInput={(e) => set({ board: e.currentTarget.value })} />}
        </Field>
      )}
      {v.boardOn && v.text.trim() && (
        <button
          type="button"
          class="text"
          aria-disabled={busy}
          onClick={() =>
            void run(async () => {
              const r = await api.reading({ unit: v.unit, title: v.title, text: v.text });
              set({ board: r.board });
            })
          }
        >
          {w().proposeBoard}
        </button>
      )}
      {v.boardOn && <OnBoard draft={v} set={set} />}
      {v.source !== "none" && (
        <details>
          <summary>{v.source === "text" ? w().voiceMore : w().recordingMore}</summary>
          <div class="more">
            <Check label={w().chime} checked={v.chime} onPick={(chime) => set({ chime })} />
            <Check label={w().sayTitle} checked={v.sayTitle} onPick={(sayTitle) => set({ sayTitle })} />
            {(v.source === "text" || v.sayTitle) && (
              <>
                <Choice label={w().voice} name="voice" row value={v.voice} onPick={(voice) => set({ voice })} options={[{ value: "north", label: w().north }, { value: "central", label: w().central }, { value: "south", label: w().south }]} />
                <Choice label={w().rate} name="rate" row value={v.rate} onPick={(rate) => set({ rate })} options={[{ value: "0.8", label: w().slow }, { value: "1", label: w().usual }, { value: "1.25", label: w().fast }]} />
              </>
            )}
            {v.source === "text" && <Choice label={w().sentencePause} name="pause" row value={v.pause} onPick={(pause) => set({ pause })} options={(["0", "500", "1000"] as const).map((n) => ({ value: n, label: w().sentencePauseN(Number(n)) }))} />}
            <Choice label={w().times} name="repeat" row value={v.repeat} onPick={(repeat) => set({ repeat })} options={(["1", "2", "3"] as const).map((n) => ({ value: n, label: w().timesN(Number(n)) }))} />
            {v.source !== "text" && <Treatment draft={v} set={set} />}
          </div>
        </details>
      )}
      <p class="saved" role="status">
        {saved.value && (
          <>
            {saved.value[0] === "hub" ? w().savedHub(clock(saved.value[1])) : saved.value[0] === "newer" ? w().savedNewer : w().savedHere(clock(saved.value[1]))}{" "}
            <button type="button" class="text" onClick={discard}>
              {w().discard}
            </button>
          </>
        )}
      </p>
      <Foot>
        {/* A refusal stands by the verb too, for the form may be long. */}
        <Say refusal={trouble.value} />
        <button type="submit" class="button wide" aria-disabled={busy}>
          {v.source === "none" ? w().makeBoard : w().makeSound}
        </button>
      </Foot>
    </form>
  );
}

/** newest is the latest revision of a bulletin's work. */
async function newest(id: string): Promise<BulletinBody> {
  const [b, all] = await Promise.all([api.bulletin(id), api.bulletins()]);
  return all.filter((x) => x.work === b.work).sort((x, y) => y.revision - x.revision)[0] ?? b;
}

/** lacking says what to do where there is no sound yet. */
function lacking(source: "record" | "file"): Refusal {
  const text = source === "record" ? w().recordFirst : w().fileFirst;
  return new Refusal(422, { vi: text, en: text }, "no-sound", "upload");
}

/** Meanwhile shows what somebody else has written since, beside one's own words, and asks which to go on with. */
function Meanwhile({ of: b, mine, onPick }: { of: BulletinBody; mine: Draft; onPick: (b: BulletinBody, own: boolean) => void }) {
  const pieces = ([[mine.title, b.title], [mine.text, b.text], [mine.boardOn ? mine.board : "", b.board]] as const).filter(([x, y]) => x.trim() !== y.trim());
  return (
    <div role="alert">
      <Card title={w().editedMeanwhile} tone="warn">
        <p>{pieces.length ? w().editedHint : w().editedSame}</p>
        {pieces.map(([x, y], i) => (
          <p key={i} class="said">
            {diff(x, y).map((p, k) => (p.kind === "same" ? <span key={k}>{p.text}</span> : p.kind === "gone" ? <del key={k}>{p.text}</del> : <ins key={k}>{p.text}</ins>))}
          </p>
        ))}
        <div class="pair wrap">
          <button type="button" class="second" onClick={() => onPick(b, false)}>
            {w().takeTheirs}
          </button>
          <button type="button" class="second" onClick={() => onPick(b, true)}>
            {w().keepMine}
          </button>
        </div>
      </Card>
    </div>
  );
}

/** The languages of Viet Nam that are most often broadcast, by their tags. */
const languages: [string, string][] = [
  ["vi", "Tiếng Việt"], ["tyz", "Tày"], ["blt", "Thái"], ["mtq", "Mường"], ["km", "Khmer"], ["hmn", "Mông"], ["nut", "Nùng"], ["ium", "Dao"],
  ["jra", "Gia Rai"], ["rad", "Ê Đê"], ["bdq", "Ba Na"], ["cjm", "Chăm"], ["kpm", "Cơ Ho"], ["sed", "Xơ Đăng"], ["hre", "Hrê"], ["yue", "Hoa"],
];

/** Treatment is what can be done with a recording: its language, repair and trim. */
function Treatment({ draft: v, set }: { draft: Draft; set: (part: Partial<Draft>) => void }) {
  const end = (label: string, value: string, put: (s: string) => void) => (
    <Field label={label} hint={w().trimHint}>
      {(f, h) => <input id={f} aria-describedby={h} inputMode="decimal" pattern="[0-9]+([.,][0-9]+)?" value={value} onInput={(e) => put(e.currentTarget.value)} />}
    </Field>
  );
  return (
    <>
      <Field label={w().spokenLanguage}>
        {(f) => (
          <select id={f} value={v.language} onChange={(e) => set({ language: e.currentTarget.value })}>
            {(languages.some(([tag]) => tag === v.language) ? languages : [...languages, [v.language, v.language] as const]).map(([tag, name]) => (
              <option key={tag} value={tag}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Check label={w().cleanUp} hint={w().cleanUpHint} checked={v.repair} onPick={(repair) => set({ repair })} />
      {end(w().trimFrom, v.from, (from) => set({ from }))}
      {end(w().trimTo, v.to, (to) => set({ to }))}
    </>
  );
}

/** Said is what the voice will say differently, which comes when something is there to be said. */
function Said({ draft: v }: { draft: Draft }) {
  const part = useSignal<typeof Reading | null>(null);
  useEffect(() => {
    import("../reading").then((m) => (part.value = m.default), () => undefined);
  }, []);
  const Part = part.value;
  return Part ? <Part unit={v.unit} title={v.title} text={v.text} /> : null;
}

/** OnBoard is how a board will show it, which comes when it is first wanted. */
function OnBoard(p: { draft: Draft; set: (part: Partial<Draft>) => void }) {
  const part = useSignal<typeof Sketch | null>(null);
  useEffect(() => {
    import("../sketch").then((m) => (part.value = m.default), failed);
  }, []);
  const Part = part.value;
  return Part ? <Part {...p} /> : <Loading />;
}

/** Microphone is the recorder, which comes when it is first wanted. */
function Microphone(p: { draft: string; done: boolean; onDone: (digest: string) => void }) {
  const part = useSignal<typeof Recorder | null>(null);
  useEffect(() => {
    import("../record").then((m) => (part.value = m.default), failed);
  }, []);
  const Part = part.value;
  return Part ? <Part {...p} /> : <Loading />;
}

function Upload({ draft, set }: { draft: Draft; set: (part: Partial<Draft>) => void }) {
  const done = useSignal<number | null>(null);
  const take = async (file: File | undefined) => {
    if (!file || done.value !== null) return;
    done.value = 0;
    trouble.value = null;
    try {
      if (file.size > 512 * 1024 * 1024) throw new Refusal(413, { vi: "Tệp quá 512 MB. Hãy cắt ngắn rồi chọn lại.", en: "The file is over 512 MB. Shorten it and choose again." }, "too-large", "");
      const { send } = await import("../uploads");
      const upload = await send(file, { name: file.name, tell: (p) => (done.value = p) });
      set({ upload, uploadName: file.name.normalize("NFC") });
    } catch (e) {
      failed(e);
    } finally {
      done.value = null;
    }
  };
  return (
    <Card>
      <FileField label={w().file} hint={w().fileHint} accept="audio/*,video/mp4,video/webm,.opus,.amr,.m4a" onFile={(file) => void take(file)} />
      <p role="status">
        {done.value !== null && (
          <>
            <progress max={1} value={done.value} aria-label={w().uploading(Math.round(done.value * 100))} /> {w().uploading(Math.round(done.value * 100))}
          </>
        )}
        {done.value === null && draft.upload && <b>{draft.uploadName ? w().uploaded(draft.uploadName) : w().uploadedBefore}</b>}
      </p>
    </Card>
  );
}
