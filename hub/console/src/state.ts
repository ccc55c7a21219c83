// What the whole page knows: who is logged in, the language, the address, and
// what has just changed at the hub.
import { batch, computed, effect, signal } from "@preact/signals";
import { api, refusalOf, type Me, type Refusal, type Sentence, type UnitBody } from "./api";
import { follow, hush, live, type Heard } from "./stream";
import { vi, type Words } from "./words";

export { live };

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

export const lang = signal<Lang>("vi");
const first: Lang = kept.get("lang") === "en" ? "en" : "vi";
const english = signal<Words | undefined>(undefined);
const words = computed<Words>(() => (lang.value === "en" && english.value ? english.value : vi));

/** w is the dictionary of the language in use. */
export const w = (): Words => words.value;

/** dictionary makes the like of w for a group of screens. */
export const dictionary =
  <T,>(vi: T, en: T) =>
  (): T =>
    lang.value === "en" ? en : vi;

/** speak changes the language, once its words are there. */
export async function speak(to: Lang): Promise<void> {
  if (to === "en") english.value ??= (await import("./words-en")).en;
  lang.value = to;
}

/** say picks the language in use of a text that the hub gave in both. */
export const say = (s: Sentence): string => (lang.value === "en" ? s.en : s.vi);

/** undefined: not known yet; null: nobody. */
export const me = signal<Me | null | undefined>(undefined);
/** over: the log-in has ended while the page was in use. What is on it stays, unseen, until its person has logged in again. */
export const over = signal(false);
export const units = signal<UnitBody[]>([]);
export const trouble = signal<Refusal | null>(null);
/** notice is a short word on what has just been done; it goes away with the next address. */
export const notice = signal("");
/** undo takes back what a notice tells of, while that one is shown. */
export const undo = signal<{ of: string; back: () => Promise<void> } | null>(null);

/** done tells of something that can be taken back. */
export function done(text: string, back: () => Promise<void>): void {
  undo.value = { of: text, back };
  notice.value = text;
}

/** announced is what has just changed by itself, for whoever reads by ear; it goes away again, so that nobody comes upon it later. */
export const announced = signal("");
let hushed: ReturnType<typeof setTimeout> | undefined;

/** announce has a screen reader say something, wherever it is reading. */
export function announce(text: string): void {
  clearTimeout(hushed);
  announced.value = text;
  hushed = setTimeout(() => (announced.value = ""), 5000);
}

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
export const administers = (): boolean => may("administrator");
export const audits = (): boolean => may("auditor", "administrator");
export const installs = (): boolean => may("technician", "administrator");
export const schedules = (): boolean => may("editor", "approver", "operator");

/** loadUnits reads the tree of units anew. */
export const loadUnits = async (): Promise<void> => void (units.value = await api.units());

/** beyond are names of units that are not the person's own, which came with what they take part in. */
const beyond = new Map<string, string>();
export const learnUnits = (list: { id: string; name: string }[]): void => list.forEach((u) => beyond.set(u.id, u.name));

export const unitName = (id: string): string => units.value.find((u) => u.id === id)?.name ?? beyond.get(id) ?? id;

/** changed counts the changes of each kind, so that whoever shows it loads it again. */
export const changed = signal<Record<string, number>>({});
/** devicesHeard are the devices that something was just heard of; null: any of them. */
export const devicesHeard = signal<string[] | null>([]);

let pending = new Map<string, string[]>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** idle runs something when the page rests. */
export const idle = (f: () => void): void => void (globalThis.requestIdleCallback ?? ((g: () => void) => setTimeout(g, 500)))(f);

/** touch says that something of a kind has changed; several are taken together. */
export function touch(...kinds: string[]): void {
  kinds.forEach((k) => note(k, ""));
}

function note(kind: string, id: string): void {
  const ids = pending.get(kind) ?? [];
  ids.push(id);
  pending.set(kind, ids);
  timer ??= setTimeout(() => {
    const next = { ...changed.value };
    const ids = [...(pending.get("device") ?? []), ...(pending.get("receipt") ?? [])];
    for (const k of pending.keys()) next[k] = (next[k] ?? 0) + 1;
    pending = new Map();
    timer = undefined;
    changed.value = next;
    if (ids.length) devicesHeard.value = ids.includes("") ? null : [...new Set(ids)];
  }, 400);
}

export const kinds = ["device", "receipt", "bulletin", "airing", "draft", "programme", "alert", "place", "relay"];

function heard(h: Heard): void {
  if (h.kind === "missed") touch(...kinds);
  else note(h.kind, h.id);
}

addEventListener("visibilitychange", () => {
  if (!me.value || me.value.due) return;
  if (document.hidden) return hush();
  // Perhaps logged in again in another tab.
  if (over.value) return void api.me().then(entered, () => undefined);
  follow(heard, ended);
});

/** ended is told by the hub that the log-in is over. */
export function ended(): void {
  if (me.value) over.value = true;
  unread();
}

/** entered takes in who has logged in; what was on the page is gone on with, unless it was somebody else's. */
export function entered(who: Me): void {
  const again = over.value;
  if (again && me.value?.id !== who.id) go("/");
  batch(() => {
    me.value = who;
    over.value = false;
  });
  if (again) touch("log-in");
}

/** unread throws away what was kept for reading without a network. */
function unread(): void {
  if ("caches" in self) void caches.delete("loa-read");
}

/** failed shows what to do; a log-in that is over leads to the log-in. */
export function failed(e: unknown): void {
  const r = refusalOf(e);
  if (r.status === 401 && me.value) return ended();
  trouble.value = r;
}

/** load finds out who is logged in. */
export async function load(): Promise<void> {
  try {
    if (first !== lang.value && me.value === undefined) await speak(first);
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
    unread();
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
  if (!me.value || me.value.due || over.value) return hush();
  if (!document.hidden) follow(heard, ended);
  loadUnits().catch(failed);
});
