// What is wrong with a device, in words; and how people search.
import type { DeviceBody } from "./api";
import { w } from "./state";

/** reasonsOf says in words what is wrong with a device. */
export function reasonsOf(d: DeviceBody): string[] {
  const out = d.faults.map((f) => w().faults[f] ?? f);
  if (d.muted) out.push(w().muted);
  if (d.clock_sure === false) out.push(w().clockUnsure);
  return out;
}

const letters = new Map<string, string>();

/** letter is one beyond ASCII as it is searched; there are few, and each is taken apart once. */
function letter(c: string): string {
  let out = letters.get(c);
  if (out === undefined) letters.set(c, (out = c === "đ" ? "d" : c.normalize("NFD").replace(/\p{M}/gu, "")));
  return out;
}

/** plain is a text as people type it in a hurry: without marks, in small letters. */
export const plain = (s: string): string => s.toLowerCase().replace(/[^\0-\x7f]/g, letter);
