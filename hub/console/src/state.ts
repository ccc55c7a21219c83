// What the whole page knows: who is logged in, the language, the address, and
// what has just changed at the hub.
import { computed, effect, signal } from "@preact/signals";
import { api, refusalOf, type Me, type Refusal, type Sentence, type UnitBody } from "./api";
import { en, vi, type Words } from "./words";

export type Lang = "vi" | "en";

/** kept reads and writes what should outlive a tab; a browser that keeps nothing is no error. */
export const kept = {
  get(key: string): string {
    try {
      return localStorage.getItem("loa." + key) ?? "";
    } catch {
      return "";
    }
  },
  set(key: string, value: string): void {
    try {
      if (value === "") localStorage.removeItem("loa." + key);
      else localStorage.setItem("loa." + key, value);
    } catch {
      // Private windows may keep nothing.
    }
  },
};

export const lang = signal<Lang>(kept.get("lang") === "en" ? "en" : "vi");
const words = computed<Words>(() => (lang.value === "en" ? en : vi));

/** w is the dictionary of the language in use. */
export const w = (): Words => words.value;

/** say picks the language in use of a text that the hub gave in both. */
export const say = (s: Sentence): string => (lang.value === "en" ? s.en : s.vi);

/** undefined: not known yet; null: nobody. */
export const me = signal<Me | null | undefined>(undefined);
export const units = signal<UnitBody[]>([]);
export const trouble = signal<Refusal | null>(null);
/** notice is a short word on what has just been done; it goes away with the next address. */
export const notice = signal("");

export const path = signal(location.pathname);

/** go opens another screen. */
export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  arrive();
}

function arrive(): void {
  if (path.value === location.pathname) return;
  path.value = location.pathname;
  trouble.value = null;
  scrollTo(0, 0);
  // Whoever reads by ear hears the new screen's heading.
  requestAnimationFrame(() => document.querySelector<HTMLElement>("h1")?.focus());
}
addEventListener("popstate", arrive);

/** may says whether the person has one of the roles anywhere. */
export const may = (...roles: string[]): boolean => me.value?.grants.some((g) => roles.includes(g.role)) ?? false;
export const writes = (): boolean => may("editor", "operator");
export const approves = (): boolean => may("approver");
export const schedules = (): boolean => may("editor", "approver", "operator");

export const unitName = (id: string): string => units.value.find((u) => u.id === id)?.name ?? id;

/** changed counts the changes of each kind, so that whoever shows it loads it again. */
export const changed = signal<Record<string, number>>({});
/** live is false while changes are not heard of. */
export const live = signal(true);

let pending = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** touch says that something of a kind has changed; several are taken together. */
export function touch(...kinds: string[]): void {
  kinds.forEach((k) => pending.add(k));
  timer ??= setTimeout(() => {
    const next = { ...changed.value };
    pending.forEach((k) => (next[k] = (next[k] ?? 0) + 1));
    pending = new Set();
    timer = undefined;
    changed.value = next;
  }, 300);
}

export const kinds = ["device", "receipt", "bulletin", "airing"];
let stream: EventSource | undefined;
let late: ReturnType<typeof setTimeout> | undefined;

function listen(): void {
  if (stream || !me.value || document.hidden) return;
  const s = new EventSource("/api/v1/events");
  stream = s;
  let lost = false;
  s.onopen = () => {
    clearTimeout(late);
    live.value = true;
    if (lost) touch(...kinds);
    lost = false;
  };
  s.onerror = () => {
    lost = true;
    // A short break is nobody's business.
    clearTimeout(late);
    late = setTimeout(() => (live.value = false), 3000);
    if (s.readyState === EventSource.CLOSED) {
      hush();
      setTimeout(listen, 5000);
      load(); // tells a log-in that is over from a hub that is away
    }
  };
  s.addEventListener("change", (e) => {
    try {
      const kind = (JSON.parse((e as MessageEvent<string>).data) as { kind: string }).kind;
      touch(...(kind === "missed" ? kinds : [kind]));
    } catch {
      touch(...kinds);
    }
  });
}

function hush(): void {
  stream?.close();
  stream = undefined;
}

addEventListener("visibilitychange", () => {
  if (document.hidden) return hush();
  listen();
  touch(...kinds);
});

/** failed shows what to do; a log-in that is over leads to the log-in. */
export function failed(e: unknown): void {
  const r = refusalOf(e);
  if (r.status === 401 && me.value) {
    me.value = null;
    return;
  }
  trouble.value = r;
}

/** load finds out who is logged in. */
export async function load(): Promise<void> {
  try {
    me.value = await api.me();
  } catch (e) {
    if (refusalOf(e).status === 401) me.value = null;
    else {
      live.value = false;
      setTimeout(load, 3000);
    }
  }
}

/** logOut ends the session at the hub. */
export async function logOut(): Promise<void> {
  try {
    await api.logOut();
    me.value = null;
    go("/", true);
  } catch (e) {
    failed(e);
  }
}

effect(() => {
  document.documentElement.lang = lang.value;
  kept.set("lang", lang.value);
});

effect(() => {
  if (!me.value) return hush();
  listen();
  api.units().then((list) => (units.value = list), failed);
});
