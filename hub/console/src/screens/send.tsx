import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, refusalOf, type BulletinBody, type PreviewBody, type Refusal, type UnitBody } from "../api";
import { failed, go, kept, me, notice, say, touch, trouble, units, w } from "../state";
import { dayOf, number, when } from "../time";
import { passes, planOf, slots, validities, weekdays, wishOf, type Plan } from "../wish";
import { Check, Choice, Field, Foot, Lacking, Note, Say, Title, useBusy, useLoaded } from "../ui";

export function Send({ id }: { id: string }) {
  const bulletin = useLoaded(id, [], () => api.bulletin(id));
  if (bulletin.data) return <Form b={bulletin.data} />;
  return (
    <>
      <Title back={`/nghe/${id}`}>{w().whereWhen}</Title>
      <Lacking of={[bulletin]} />
    </>
  );
}

/** What is made for the programmes of a whole year is approved once. */
const aYearOn = (): string => dayOf(new Date(Date.now() + 365 * 24 * 3600_000));

/** begun is the choice of where and when that its person left unsent on this device, if it is this bulletin's. */
function begun(id: string): Plan | undefined {
  try {
    const left = JSON.parse(kept.get("plan")) as { id: string; by: string; plan: Plan };
    return left.id === id && left.by === me.value?.id ? left.plan : undefined;
  } catch {
    return undefined; // nothing, or nothing that can be read
  }
}

function Form({ b }: { b: BulletinBody }) {
  const plan = useSignal<Plan>(begun(b.id) ?? (kept.get("stock") === b.id && !b.wish ? { ...planOf(b), when: "programmes", until: aYearOn() } : planOf(b)));
  const p = plan.value;
  const set = (part: Partial<Plan>) => {
    plan.value = { ...plan.value, ...part };
    kept.set("plan", JSON.stringify({ id: b.id, by: me.value?.id, plan: plan.value }));
  };
  const wish = wishOf(p, b);
  const [preview, refusal] = usePreview(b.id, wish && JSON.stringify(wish));
  const [busy, run] = useBusy();
  const emergency = b.class === "emergency";
  const send = () =>
    run(async () => {
      if (!wish) return;
      await api.submit(b.id, wish);
      kept.set("plan", "");
      touch("bulletin");
      go("/", true);
      notice.value = w().sent;
    });
  return (
    <form
      class={emergency ? (b.options.drill ? "mood drill" : "mood alarm") : ""}
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      <Title back={`/nghe/${b.id}`}>
        {w().whereWhen} <small class="step">{w().step(3)}</small>
      </Title>
      <p class="lead">{b.title}</p>
      <Where top={b.unit} picked={p.units} onPick={(u) => set({ units: u })} />
      <Choice
        label={w().whenLabel}
        name="when"
        value={p.when}
        onPick={(v) => set({ when: v })}
        options={[
          { value: "now", label: w().now },
          { value: "at", label: w().atTime },
          ...(emergency ? [] : [{ value: "rule" as const, label: w().byRule }, { value: "programmes" as const, label: w().inProgrammes, hint: w().inProgrammesHint }]),
        ]}
      />
      {p.when === "at" && (
        <div class="chips" role="group" aria-label={w().usualSlots}>
          {slots().map((s) => (
            <button key={s.day + s.hour} type="button" class="chip" aria-pressed={p.day === s.day && p.hour === s.hour} onClick={() => set(s)}>
              {when(`${s.day}T${s.hour}:00+07:00`)}
            </button>
          ))}
        </div>
      )}
      {p.when === "rule" && (
        <>
          <Choice label={w().every} name="freq" row value={p.freq} onPick={(freq) => set({ freq })} options={[{ value: "DAILY", label: w().daily }, { value: "WEEKLY", label: w().weekly }]} />
          {p.freq === "WEEKLY" && (
            <div class="chips" role="group" aria-label={w().weekly}>
              {weekdays.map((d, i) => (
                <button
                  key={d}
                  type="button"
                  class="chip"
                  aria-label={`${w().weekdays[i]}, ${w().weekdaysLong[i]}`}
                  aria-pressed={p.days.includes(d)}
                  onClick={() => set({ days: p.days.includes(d) ? p.days.filter((x) => x !== d) : [...p.days, d] })}
                >
                  {w().weekdays[i]}
                </button>
              ))}
            </div>
          )}
        </>
      )}
      {p.when === "programmes" && <Field label={w().usableUntil}>{(f) => <input id={f} type="date" required value={p.until} onInput={(e) => set({ until: e.currentTarget.value })} />}</Field>}
      {(p.when === "at" || p.when === "rule") && (
        <div class="cols">
          <Field label={p.when === "rule" ? w().firstDay : w().day}>{(f) => <input id={f} type="date" required value={p.day} onInput={(e) => set({ day: e.currentTarget.value })} />}</Field>
          {p.when === "rule" && <Field label={w().untilDay}>{(f) => <input id={f} type="date" required value={p.until} onInput={(e) => set({ until: e.currentTarget.value })} />}</Field>}
          <Field label={w().hour}>{(f) => <input id={f} type="time" required value={p.hour} onInput={(e) => set({ hour: e.currentTarget.value })} />}</Field>
        </div>
      )}
      {emergency && (
        <>
          <Choice label={w().validity} name="validity" row value={p.validity} onPick={(validity) => set({ validity })} options={validities.map((value) => ({ value, label: w().validityN(Number(value)) }))} />
          <Choice label={w().times} name="passes" row value={p.passes} onPick={(n) => set({ passes: n })} options={passes.map((value) => ({ value, label: w().timesN(Number(value)) }))} />
        </>
      )}
      {!emergency && (
        <>
          {p.when === "at" && <Check label={w().movable} checked={p.movable} onPick={(movable) => set({ movable })} />}
          {(p.when === "now" || p.when === "at") && <Check label={w().more} checked={p.more} onPick={(more) => set({ more })} />}
          <Check label={w().night} checked={p.night} onPick={(night) => set({ night, reason: night ? p.reason : "" })} />
          {p.night && <Field label={w().nightReason}>{(f) => <textarea id={f} rows={2} required maxLength={500} value={p.reason} onInput={(e) => set({ reason: e.currentTarget.value })} />}</Field>}
        </>
      )}
      {b.sound && (
        <Field label={`${w().volume}: ${p.volume}\u00a0%`}>{(f) => <input id={f} type="range" min={10} max={100} step={5} value={p.volume} onInput={(e) => set({ volume: e.currentTarget.value })} />}</Field>
      )}
      <Foot>
        <div role="status" class="conseq">
          {p.units.length === 0 ? <p class="badtext">{w().atLeastOne}</p> : preview && !refusal ? <Consequence of={preview} /> : null}
        </div>
        <Say refusal={trouble.value ?? refusal} />
        <button type="submit" class="button wide" disabled={!wish || refusal !== null || preview === undefined || preview.devices === 0 || preview.quiet || busy}>
          {w().sendForApproval}
        </button>
      </Foot>
    </form>
  );
}

/** Consequence is the hub's sentence, with what the rules will do. */
export function Consequence({ of }: { of: PreviewBody }) {
  return (
    <>
      <p class="sentence">
        {say(of.sentence)} {of.people > 0 && <span class="quiet">({w().people(number(of.people))})</span>}
      </p>
      {of.warnings.map((x) => (
        <Note key={x.en} tone="warn">
          {say(x)}
        </Note>
      ))}
    </>
  );
}

/** usePreview asks the hub what a wish would do, a moment after it last changed. */
function usePreview(id: string, wish: string | undefined): [PreviewBody | undefined, Refusal | null] {
  const found = useSignal<PreviewBody | undefined>(undefined);
  const refusal = useSignal<Refusal | null>(null);
  const turn = useRef(0);
  useEffect(() => {
    const mine = ++turn.current;
    if (!wish) {
      found.value = undefined;
      refusal.value = null;
      return;
    }
    const timer = setTimeout(() => {
      api.preview(id, JSON.parse(wish)).then(
        (p) => {
          if (mine !== turn.current) return;
          found.value = p;
          refusal.value = null;
        },
        (e: unknown) => {
          if (mine !== turn.current) return;
          const r = refusalOf(e);
          if (r.status === 401) return failed(e); // to the log-in
          refusal.value = r;
        },
      );
    }, 250);
    return () => clearTimeout(timer);
  }, [id, wish]);
  return [found.value, refusal.value];
}

/** Where picks the whole unit, or some of the units right below it. */
function Where({ top, picked, onPick }: { top: string; picked: string[]; onPick: (units: string[]) => void }) {
  const all = units.value;
  const below = all.filter((u) => u.parent === top && !u.valid_until);
  const unit = all.find((u) => u.id === top);
  const whole = picked.includes(top);
  const people = (u: UnitBody): string => (u.people ? w().people(number(u.people)) : "");
  return (
    <fieldset class="choice">
      <legend>{w().where}</legend>
      <Check strong label={unit ? `${w().whole}: ${unit.name}` : w().whole} checked={whole} onPick={(on) => onPick(on ? [top] : [])} />
      <div class="villages">
        {below.map((u) => (
          <Check
            key={u.id}
            label={u.name}
            hint={people(u)}
            checked={whole || picked.includes(u.id)}
            onPick={(on) => {
              const now = whole ? below.map((x) => x.id) : picked;
              const next = on ? [...now, u.id] : now.filter((x) => x !== u.id);
              onPick(next.length === below.length ? [top] : next);
            }}
          />
        ))}
      </div>
    </fieldset>
  );
}
