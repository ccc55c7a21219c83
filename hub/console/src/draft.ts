// What is being written: kept on this device at once, and at the hub two seconds
// later, so that it can be gone on with elsewhere.
import { call, newKey, Refusal } from "./call";
import type { BulletinBody, BulletinContent, Class, DraftBody, SoundOptions } from "./api";
import { kept } from "./state";

export type Source = "text" | "record" | "file" | "none";

/** A bulletin as its form holds it. */
export interface Draft {
  unit: string;
  class: Class;
  drill: boolean;
  source: Source;
  title: string;
  text: string;
  boardOn: boolean;
  board: string;
  layout: "notice" | "two-line" | "ticker" | "picture";
  picture: string; // digest of a picture for boards
  pictureName: string;
  voice: NonNullable<SoundOptions["voice"]>;
  rate: "0.8" | "1" | "1.25";
  repeat: "1" | "2" | "3";
  pause: "0" | "500" | "1000"; // ms after each sentence
  chime: boolean;
  sayTitle: boolean; // the title is spoken before the text
  // Of recordings.
  language: string; // BCP 47
  repair: boolean;
  from: string; // seconds, "" for the beginning
  to: string; // seconds, "" for the end
  upload: string;
  uploadName: string;
  changed: number; // ms since 1970, by this device
  edition: string; // of the bulletin that is edited, as it was; "" for a new one
}

export const empty = (unit: string): Draft => ({
  unit, class: "normal", drill: false, source: "text", title: "", text: "", boardOn: false, board: "", layout: "notice", picture: "", pictureName: "",
  voice: "north", rate: "1", repeat: "1", pause: "0", chime: true, sayTitle: false, language: "vi", repair: false, from: "", to: "", upload: "", uploadName: "", changed: 0, edition: "",
});

/** current is the id of the new bulletin that was begun on this device; fresh takes a new one. */
export const current = (): string => kept.get("draft") || fresh();

export function fresh(): string {
  const id = newKey();
  kept.set("draft", id);
  return id;
}

const read = (d: unknown): Draft | undefined => (d && typeof d === "object" ? { ...empty(""), ...(d as Partial<Draft>) } : undefined);

/** recall returns what is kept here, or undefined; what cannot be read is none. */
export function recall(id: string): Draft | undefined {
  try {
    return read(JSON.parse(kept.get("draft." + id)));
  } catch {
    return undefined;
  }
}

export const keep = (id: string, d: Draft): void => kept.set("draft." + id, JSON.stringify(d));

/** forget throws a draft away, here and at the hub. */
export function forget(id: string): void {
  kept.set("draft." + id, "");
  if (kept.get("draft") === id) kept.set("draft", "");
  void call("DELETE", `/drafts/${id}`).catch(() => undefined); // it is swept from the list the next time
}

export const written = (d: Draft): boolean => Boolean(d.title.trim() || d.text.trim() || d.board.trim() || d.upload);

/** hasDraft says whether a new bulletin was begun here. */
export function hasDraft(): boolean {
  const d = kept.get("draft") ? recall(kept.get("draft")) : undefined;
  return d !== undefined && written(d);
}

const first = (text: string): string => text.trim().split("\n")[0]?.slice(0, 80) ?? "";

/** Kept is what became of keeping a draft at the hub. */
export type Kept = "hub" | "here" | "newer";

/** send keeps a draft at the hub. */
export async function send(id: string, d: Draft): Promise<Kept> {
  try {
    await call("PUT", `/drafts/${id}`, { title: d.title.trim() || first(d.text), content: d, changed: new Date(d.changed).toISOString() });
    return "hub";
  } catch (e) {
    return e instanceof Refusal && e.code === "newer-draft" ? "newer" : "here";
  }
}

/** fetchDraft returns the hub's copy, or undefined. */
export async function fetchDraft(id: string): Promise<Draft | undefined> {
  try {
    const d = await call<DraftBody>("GET", `/drafts/${id}`);
    return read(d.content);
  } catch {
    return undefined;
  }
}

const seconds = (ms: number | undefined): string => (ms ? String(ms / 1000) : "");

/** millis reads seconds as people type them, with a comma or a point; nothing is 0. */
const millis = (s: string): number => Math.max(0, Math.round(Number(s.trim().replace(",", ".")) * 1000) || 0);

/** draftOf is the form of a bulletin that the hub has. */
export function draftOf(b: BulletinBody): Draft {
  const o = b.options;
  return {
    unit: b.unit, class: b.class, drill: o.drill ?? false, source: b.upload ? "file" : o.wanted ? "text" : "none",
    title: b.title, text: b.text, boardOn: b.board !== "", board: b.board, layout: b.layout === "emergency" || b.layout === "drill" ? "notice" : b.layout, picture: b.picture?.digest ?? "", pictureName: "", voice: o.voice ?? "north",
    rate: (o.rate ?? 1) < 1 ? "0.8" : (o.rate ?? 1) > 1 ? "1.25" : "1", repeat: o.repeat === 3 ? "3" : o.repeat === 2 ? "2" : "1",
    pause: (o.pause_ms ?? 0) >= 1000 ? "1000" : (o.pause_ms ?? 0) > 0 ? "500" : "0",
    language: b.language || "vi", repair: o.repair ?? false, from: seconds(o.from_ms), to: seconds(o.to_ms),
    chime: o.chime ?? false, sayTitle: o.title ?? false, upload: b.upload ?? "", uploadName: "", changed: 0, edition: b.edition,
  };
}

/** contentOf is what the hub gets. */
export function contentOf(d: Draft): BulletinContent {
  const options: SoundOptions = { wanted: d.source !== "none" };
  if (options.wanted) Object.assign(options, { chime: d.chime, title: d.sayTitle, voice: d.voice, rate: Number(d.rate), repeat: Number(d.repeat) });
  if (d.source === "text") options.pause_ms = Number(d.pause);
  if (d.class === "emergency" && d.drill && d.source === "text") options.drill = true;
  const c: BulletinContent = { unit: d.unit, class: d.class, title: d.title, text: d.text, board: d.boardOn ? d.board : "", options };
  if (d.boardOn && d.class !== "emergency") {
    c.layout = d.layout;
    if (d.layout === "picture" && d.picture) c.picture = d.picture;
  }
  if ((d.source === "file" || d.source === "record") && d.upload) {
    c.upload = d.upload;
    c.language = d.language;
    Object.assign(options, { repair: d.repair, from_ms: millis(d.from), to_ms: millis(d.to) });
  }
  return c;
}

/** heard notes, by digest, the sounds that were listened to whole on this device. */
export const heard = {
  has: (digest: string): boolean => kept.get("heard").split(" ").includes(digest),
  add: (digest: string): void => {
    const list = kept.get("heard").split(" ").filter((d) => d && d !== digest);
    kept.set("heard", [...list.slice(-49), digest].join(" "));
  },
};
