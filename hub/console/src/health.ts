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

/** plain is a text as people type it in a hurry: without marks, in small letters. */
export const plain = (s: string): string =>
  s.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d").replace(/Đ/g, "d").toLowerCase();

