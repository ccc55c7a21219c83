// The parts that screens are made of.
import { useSignal, useSignalEffect } from "@preact/signals";
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Refusal } from "./api";
import { changed, failed, go, over, say, trouble, units, w } from "./state";

const icons = {
  today: "M4 11 12 4l8 7v9h-5v-6H9v6H4z",
  compose: "M4 20l1-5L16 4l4 4L9 19zM14 6l4 4",
  approvals: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM8.5 12l2.5 2.5 4.5-5",
  aired: "M4 20V10M10 20V4M16 20v-7M21 20H3",
  devices: "M4 9h4l7-5v16l-7-5H4zM18 9q3 3 0 6",
  board: "M3 6h18v10H3zM8 20h8M7 11h2M11 11h2M15 11h2",
  back: "M15 5l-7 7 7 7",
  stop: "M6 6h12v12H6z",
  play: "M7 4l13 8-13 8z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  check: "M4 13l5 5L20 6",
  warn: "M12 3L2 20h20zM12 10v4M12 17v.5",
  night: "M20 14A8 8 0 1 1 10 4a7 7 0 0 0 10 10z",
  out: "M9 4H5v16h4M14 8l4 4-4 4M18 12H9",
  calendar: "M4 6h16v14H4zM4 10h16M8 3v5M16 3v5",
  store: "M4 7h16v13H4zM3 4h18v3H3zM9 11h6",
  relay: "M12 12v8M8 20h8M7 7a7 7 0 0 0 0 9M17 7a7 7 0 0 1 0 9M12 10v2",
  people: "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-5 3-7 7-7s7 2 7 7M16 4a4 4 0 0 1 0 7M18 14c3 1 4 3 4 7",
  log: "M6 3h12v18H6zM9 8h6M9 12h6M9 16h4",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4",
  menu: "M4 6h16M4 12h16M4 18h16",
  mic: "M12 3v11M9 6v6a3 3 0 0 0 6 0V6M5 11a7 7 0 0 0 14 0M12 18v3",
};
export type IconName = keyof typeof icons;

export function Icon({ name, solid }: { name: IconName; solid?: boolean }) {
  return (
    <svg class={solid ? "icon solid" : "icon"} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={icons[name]} />
    </svg>
  );
}

/** Link goes to another screen without loading the page again. */
export function Link({ to, children, ...rest }: { to: string; children: ComponentChildren; class?: string; draggable?: boolean; "aria-label"?: string; "aria-current"?: "page" }) {
  return (
    <a
      href={to}
      {...rest}
      onClick={(e) => {
        if (e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
        e.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}

/** Whether a heading that had the focus has just gone: the next one takes it, so that who reads by ear is not sent to the page's beginning. */
let passing = false;

/** Title is a screen's one heading; it takes the focus when the screen opens. */
export function Title({ children, back }: { children: ComponentChildren; back?: string }) {
  const text = useRef<HTMLHeadingElement>(null);
  void over.value; // the page has its name again after a log-in
  useEffect(() => {
    document.title = `${text.current?.textContent ?? ""} · Loa`;
  });
  // While the heading is still there: other effects end after it has gone.
  useLayoutEffect(() => {
    const own = text.current;
    if (passing) own?.focus({ preventScroll: true });
    passing = false;
    return () => {
      passing = document.activeElement === own;
    };
  }, []);
  return (
    <div class="title">
      {back && (
        <Link to={back} class="round" aria-label={w().back}>
          <Icon name="back" />
        </Link>
      )}
      <h1 tabIndex={-1} ref={text}>
        {children}
      </h1>
    </div>
  );
}

/** Level is that of the next heading within; the screen's own is 1. */
const Level = createContext<2 | 3 | 4>(2);
const below = { 2: 3, 3: 4, 4: 4 } as const;

/** Heading is of the level at which it stands, so that who reads by ear can go from one to the next. */
function Heading({ children, ...rest }: { children: ComponentChildren; id?: string; class?: string }) {
  const Tag = `h${useContext(Level)}` as const;
  return <Tag {...rest}>{children}</Tag>;
}

/** Sub is a heading within a card, or of a screen without cards. */
export function Sub({ children }: { children: ComponentChildren }) {
  return <Heading class="sub">{children}</Heading>;
}

/** Part is several cards of one screen under a heading of theirs. */
export function Part({ title, children }: { title: string; children: ComponentChildren }) {
  const at = useContext(Level);
  return (
    <>
      <Heading class="part">{title}</Heading>
      <Level.Provider value={below[at]}>{children}</Level.Provider>
    </>
  );
}

export function Card({ title, children, tone, aside }: { title?: string; children: ComponentChildren; tone?: string; aside?: ComponentChildren }) {
  const id = useId();
  const at = useContext(Level);
  return (
    <section class={`card ${tone ?? ""}`} {...(title ? { "aria-labelledby": id } : {})}>
      {title && (
        <div class="cardhead">
          <Heading id={id}>{title}</Heading>
          {aside}
        </div>
      )}
      <Level.Provider value={title ? below[at] : at}>{children}</Level.Provider>
    </section>
  );
}

/** Say shows a refusal: what to do. */
export function Say({ refusal }: { refusal: Refusal | null | undefined }) {
  return refusal ? (
    <p class="note bad" role="alert">
      <Icon name="warn" />
      <span>{say(refusal.said)}</span>
    </p>
  ) : null;
}

export function Note({ children, tone }: { children: ComponentChildren; tone?: "good" | "warn" | "bad" | "night" }) {
  return (
    <div class={`note ${tone ?? ""}`}>
      <Icon name={tone === "good" ? "check" : tone === "night" ? "night" : "warn"} />
      <div>{children}</div>
    </div>
  );
}

/** Empty stands where a list has nothing yet: what will be here, and what to do first. */
export function Empty({ icon, children, hint, to, verb }: { icon: IconName; children: ComponentChildren; hint?: string; to?: string; verb?: string }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <p>
        <b>{children}</b>
      </p>
      {hint && <p class="quiet">{hint}</p>}
      {to && verb && (
        <Link to={to} class="second">
          {verb}
        </Link>
      )}
    </div>
  );
}

export function Tag({ children, tone }: { children: ComponentChildren; tone?: string }) {
  return <span class={`tag ${tone ?? ""}`}>{children}</span>;
}

/** Field is a labelled control with a hint that screen readers read with it. */
export function Field({ label, hint, children }: { label: string; hint?: string; children: (id: string, hintID: string | undefined) => ComponentChildren }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id, hint ? id + "h" : undefined)}
      {hint && (
        <p class="hint" id={id + "h"}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** UnitField chooses one of the units that there are now. */
export function UnitField({ label, value, onPick }: { label: string; value: string; onPick: (unit: string) => void }) {
  return (
    <Field label={label}>
      {(f) => (
        <select id={f} value={value} onChange={(e) => onPick(e.currentTarget.value)}>
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
  );
}

export interface Option<T> {
  value: T;
  label: string;
  hint?: string;
  tone?: string;
}

/** Choice is a group of radio buttons, side by side or one below the other. */
export function Choice<T extends string>(p: { label: string; name: string; value: T; options: Option<T>[]; onPick: (v: T) => void; row?: boolean }) {
  return (
    <fieldset class={p.row ? `choice row${p.options.length === 4 ? " four" : ""}` : "choice"}>
      <legend>{p.label}</legend>
      {p.options.map((o) => (
        <label key={o.value} class={`pick ${o.tone ?? ""}`}>
          <input type="radio" name={p.name} value={o.value} checked={p.value === o.value} onChange={() => p.onPick(o.value)} />
          <span>
            {o.label}
            {o.hint && p.value === o.value && <small>{o.hint}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

export function Check({ label, hint, checked, onPick, strong }: { label: string; hint?: string; checked: boolean; onPick: (v: boolean) => void; strong?: boolean }) {
  return (
    <label class={strong ? "pick strong" : "pick"}>
      <input type="checkbox" checked={checked} onChange={(e) => onPick(e.currentTarget.checked)} />
      <span>
        {label}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}

/** Foot stands at the lower edge: what will happen, and the screen's one verb. */
export function Foot({ children }: { children: ComponentChildren }) {
  return (
    <div class="foot">
      <div class="footin">{children}</div>
    </div>
  );
}

/** Bar shows a share from 0 to 1, and a second one that is not sure; the text beside it says the same. */
export function Bar({ value, unsure = 0 }: { value: number; unsure?: number }) {
  const x = (v: number) => Math.round(Math.min(1, Math.max(0, v)) * 1000) / 10;
  return (
    <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="rest" width="100" height="4" />
      <rect class="unsure" width={x(value + unsure)} height="4" />
      <rect class="sure" width={x(value)} height="4" />
    </svg>
  );
}

/** What a screen shows of something at the hub. */
export interface Loaded<T> {
  data: T | undefined;
  refusal: Refusal | null;
  again: () => void;
}

/**
 * useLoaded loads something when key changes, and again when one of kinds has
 * changed at the hub. What it has stays shown meanwhile. An answer that was
 * overtaken is dropped.
 */
export function useLoaded<T>(key: string, kinds: string[], get: () => Promise<T>): Loaded<T> {
  const data = useSignal<T | undefined>(undefined);
  const refusal = useSignal<Refusal | null>(null);
  const turn = useRef(0);
  const current = useRef(get);
  current.current = get;
  const run = () => {
    const mine = ++turn.current;
    current.current().then(
      (d) => {
        if (mine !== turn.current) return;
        data.value = d;
        refusal.value = null;
      },
      (e: unknown) => {
        if (mine !== turn.current) return;
        failed(e);
        refusal.value = trouble.peek();
        trouble.value = null;
      },
    );
  };
  useEffect(() => {
    data.value = undefined;
    run();
    return () => {
      turn.current++;
    };
  }, [key]);
  const seen = useRef<string | undefined>(undefined);
  useSignalEffect(() => {
    const now = [...kinds, "log-in"].map((k) => changed.value[k] ?? 0).join();
    if (seen.current !== undefined && seen.current !== now) run();
    seen.current = now;
  });
  const again = () => {
    refusal.value = null; // so that it shows that something is being done
    run();
  };
  return { data: data.value, refusal: refusal.value, again };
}

/** Lacking says, once for all, that something is still on its way, or why it did not come. */
export function Lacking({ of }: { of: Loaded<unknown>[] }) {
  const lacking = of.filter((l) => l.data === undefined);
  const refused = lacking.filter((l) => l.refusal);
  if (refused[0])
    return (
      <div class="stack">
        <Say refusal={refused[0].refusal} />
        <button type="button" class="second" onClick={() => refused.forEach((l) => l.again())}>
          {w().retry}
        </button>
      </div>
    );
  return lacking.length ? <Loading /> : null;
}

export function Loading() {
  return (
    <p class="quiet loading" aria-busy="true">
      {w().loading}
    </p>
  );
}

/** Shown renders what was loaded, or why it was not. */
export function Shown<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  return of.data === undefined ? <Lacking of={[of]} /> : <>{children(of.data)}</>;
}

/** useBusy runs one thing at a time and shows its refusal on the screen. */
export function useBusy(): [boolean, (work: () => Promise<void>) => Promise<void>] {
  const busy = useSignal(false);
  return [
    busy.value,
    async (work) => {
      if (busy.peek()) return;
      busy.value = true;
      trouble.value = null;
      try {
        await work();
      } catch (e) {
        failed(e);
      } finally {
        busy.value = false;
      }
    },
  ];
}
