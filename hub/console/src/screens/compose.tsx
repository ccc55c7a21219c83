import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, Refusal, type BulletinBody } from "../api";
import { contentOf, draftOf, empty, forget, keep, recall, type Draft } from "../draft";
import { failed, go, me, touch, trouble, unitName, w, writes } from "../state";
import { clock, length } from "../time";
import { Card, Check, Choice, Field, Foot, Note, Say, Shown, Title, useBusy, useLoaded } from "../ui";

/** readingTime is roughly how long a text takes to read out, in ms: two words a second with the chime, for numbers and abbreviations grow when spoken. */
const readingTime = (text: string): number => text.split(/\s+/).filter(Boolean).length * 500;

export function Compose({ id }: { id: string }) {
  const before = useLoaded<BulletinBody | null>(id, [], () => (id ? api.bulletin(id) : Promise.resolve(null)));
  if (!writes())
    return (
      <>
        <Title back="/">{w().composeBulletin}</Title>
        <Note>{w().mayNotWrite}</Note>
      </>
    );
  return <Shown of={before}>{(b) => <Form key={id} id={id} before={b} />}</Shown>;
}

function mine(): string[] {
  return [...new Set((me.value?.grants ?? []).filter((g) => g.role === "editor" || g.role === "operator").map((g) => g.unit))];
}

function Form({ id, before }: { id: string; before: BulletinBody | null }) {
  const own = mine();
  const d = useSignal<Draft>(recall(id) ?? (before ? draftOf(before) : empty(own[0] ?? "")));
  const saved = useSignal<Date | null>(null);
  const sent = useRef(false);
  const [busy, run] = useBusy();
  const set = (part: Partial<Draft>) => (d.value = { ...d.value, ...part });
  if (!own.includes(d.value.unit) && !before) set({ unit: own[0] ?? "" });

  // What is typed is kept half a second later, and when the page is left.
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = d.value;
    const write = () => {
      clearTimeout(timer);
      timer = undefined;
      if (sent.current || d.value === last) return;
      last = d.value;
      keep(id, d.value);
      saved.value = new Date();
    };
    const unsubscribe = d.subscribe((v) => {
      if (v !== last) timer ??= setTimeout(write, 500);
    });
    addEventListener("pagehide", write);
    return () => {
      unsubscribe();
      removeEventListener("pagehide", write);
      write();
    };
  }, []);

  const v = d.value;
  const send = () =>
    run(async () => {
      const b = id ? await api.edit(id, contentOf(v)) : await api.create(contentOf(v));
      sent.current = true;
      forget(id);
      touch("bulletin");
      go(`/nghe/${b.id}`);
    });
  const discard = () => {
    d.value = before ? draftOf(before) : empty(own[0] ?? "");
    forget(id);
    saved.value = null;
  };

  return (
    <form
      class={v.class === "emergency" ? (v.drill ? "mood drill" : "mood alarm") : ""}
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      <Title back="/">
        {w().composeBulletin} <small class="step">{w().step(1)}</small>
      </Title>
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
        onPick={(source) => set({ source, drill: source === "text" && v.drill, boardOn: v.boardOn || source === "none" })}
        options={[
          { value: "text", label: w().fromText },
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
      {v.source !== "none" && (
        <Field label={v.source === "file" ? w().textOfFile : w().text} {...(v.source === "text" && v.text.trim() ? { hint: w().textHint(length(readingTime(v.text))) } : {})}>
          {(f, h) => (
            <textarea id={f} aria-describedby={h} name="text" rows={v.source === "file" ? 3 : 8} required={v.source === "text"} value={v.text} onInput={(e) => set({ text: e.currentTarget.value })} />
          )}
        </Field>
      )}
      {v.source !== "none" && <Check label={w().showOnBoard} checked={v.boardOn} onPick={(boardOn) => set({ boardOn, board: v.board || (boardOn ? v.text.trim().slice(0, 200) : "") })} />}
      {v.boardOn && (
        <Field label={w().boardText} hint={w().boardHint([...v.board].length)}>
          {(f, h) => <textarea id={f} aria-describedby={h} name="board" rows={3} required value={v.board} onInput={(e) => set({ board: e.currentTarget.value })} />}
        </Field>
      )}
      {v.source !== "none" && (
        <details>
          <summary>{w().voiceMore}</summary>
          <div class="more">
            <Check label={w().chime} checked={v.chime} onPick={(chime) => set({ chime })} />
            {v.source === "text" && (
              <>
                <Choice label={w().voice} name="voice" row value={v.voice} onPick={(voice) => set({ voice })} options={[{ value: "north", label: w().north }, { value: "central", label: w().central }, { value: "south", label: w().south }]} />
                <Choice label={w().rate} name="rate" row value={v.rate} onPick={(rate) => set({ rate })} options={[{ value: "0.8", label: w().slow }, { value: "1", label: w().usual }, { value: "1.25", label: w().fast }]} />
                <Choice label={w().times} name="repeat" row value={v.repeat} onPick={(repeat) => set({ repeat })} options={(["1", "2", "3"] as const).map((n) => ({ value: n, label: w().timesN(Number(n)) }))} />
              </>
            )}
          </div>
        </details>
      )}
      <p class="saved" role="status">
        {saved.value && (
          <>
            {w().savedHere(clock(saved.value))}{" "}
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

function Upload({ draft, set }: { draft: Draft; set: (part: Partial<Draft>) => void }) {
  const done = useSignal<number | null>(null);
  const take = async (file: File | undefined) => {
    if (!file || done.value !== null) return;
    done.value = 0;
    trouble.value = null;
    try {
      if (file.size > 512 * 1024 * 1024) throw new Refusal(413, { vi: "Tệp quá 512 MB. Hãy cắt ngắn rồi chọn lại.", en: "The file is over 512 MB. Shorten it and choose again." }, "too-large", "");
      const up = await api.upload(file, (p) => (done.value = p));
      set({ upload: up.digest, uploadName: file.name.normalize("NFC") });
    } catch (e) {
      failed(e);
    } finally {
      done.value = null;
    }
  };
  return (
    <Card>
      <Field label={w().file} hint={w().fileHint}>
        {(f, h) => <input id={f} aria-describedby={h} type="file" accept="audio/*,video/mp4,video/webm,.opus,.amr,.m4a" onChange={(e) => void take(e.currentTarget.files?.[0])} />}
      </Field>
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
