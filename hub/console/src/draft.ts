// What is being written, kept on this device until the hub has it.
import type { BulletinBody, BulletinContent, Class, SoundOptions } from "./api";
import { kept } from "./state";

export type Source = "text" | "file" | "none";

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
  voice: NonNullable<SoundOptions["voice"]>;
  rate: "0.8" | "1" | "1.25";
  repeat: "1" | "2" | "3";
  chime: boolean;
  upload: string;
  uploadName: string;
}

export const empty = (unit: string): Draft => ({
  unit, class: "normal", drill: false, source: "text", title: "", text: "", boardOn: false, board: "",
  voice: "north", rate: "1", repeat: "1", chime: true, upload: "", uploadName: "",
});

const key = (id: string): string => "draft." + (id || "new");

/** recall returns what was kept, or undefined; what cannot be read is none. */
export function recall(id: string): Draft | undefined {
  try {
    const d: unknown = JSON.parse(kept.get(key(id)));
    return d && typeof d === "object" ? { ...empty(""), ...(d as Partial<Draft>) } : undefined;
  } catch {
    return undefined;
  }
}

export const keep = (id: string, d: Draft): void => kept.set(key(id), JSON.stringify(d));
export const forget = (id: string): void => kept.set(key(id), "");

const written = (d: Draft): boolean => Boolean(d.title.trim() || d.text.trim() || d.board.trim() || d.upload);

/** hasDraft says whether a new bulletin was begun here. */
export function hasDraft(): boolean {
  const d = recall("");
  return d !== undefined && written(d);
}

/** draftOf is the form of a bulletin that the hub has. */
export function draftOf(b: BulletinBody): Draft {
  const o = b.options;
  return {
    unit: b.unit, class: b.class, drill: o.drill ?? false, source: b.upload ? "file" : o.wanted ? "text" : "none",
    title: b.title, text: b.text, boardOn: b.board !== "", board: b.board, voice: o.voice ?? "north",
    rate: (o.rate ?? 1) < 1 ? "0.8" : (o.rate ?? 1) > 1 ? "1.25" : "1", repeat: o.repeat === 3 ? "3" : o.repeat === 2 ? "2" : "1",
    chime: o.chime ?? false, upload: b.upload ?? "", uploadName: "",
  };
}

/** contentOf is what the hub gets. */
export function contentOf(d: Draft): BulletinContent {
  const options: SoundOptions = { wanted: d.source !== "none", chime: d.chime };
  if (d.source === "text") Object.assign(options, { voice: d.voice, rate: Number(d.rate), repeat: Number(d.repeat) });
  if (d.class === "emergency" && d.drill && d.source === "text") options.drill = true;
  const c: BulletinContent = { unit: d.unit, class: d.class, title: d.title, text: d.text, board: d.boardOn ? d.board : "", options };
  if (d.source === "file" && d.upload) c.upload = d.upload;
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
