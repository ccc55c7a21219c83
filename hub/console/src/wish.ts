// The airing that an author wishes for, as its form holds it.
import type { BulletinBody, Wish } from "./api";
import { dayOf, plus, zone } from "./time";

export const weekdays = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;

/** When and where, as the form holds it. */
export interface Plan {
  units: string[];
  when: Wish["when"];
  day: string; // 2026-12-01
  hour: string; // 17:00
  freq: "DAILY" | "WEEKLY";
  days: string[]; // of weekdays
  until: string; // 2026-12-31
  night: boolean;
  reason: string;
  more: boolean; // once more on a day, without a new approval
  movable: boolean; // to another day of the week that begins with it, without a new approval
  volume: string; // per cent
  // Of emergencies.
  validity: "15" | "60" | "180" | "720"; // minutes
  passes: "1" | "2" | "3" | "5";
}

/** What can be chosen for an emergency: how long it is in force, in minutes, and how often it is said. */
export const validities = ["15", "60", "180", "720"] as const;
export const passes = ["1", "2", "3", "5"] as const;

const local = (t: Date): string => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hour12: false }).format(t);

/** Slot is a usual time, and the day on which it comes next. */
export interface Slot {
  day: string;
  hour: string;
}

/** slots lists the next three usual times, 05:00 and 17:00. */
export function slots(now = new Date()): Slot[] {
  const out: Slot[] = [];
  for (const days of [0, 1, 2]) for (const hour of ["05:00", "17:00"]) if (days > 0 || hour > local(now)) out.push({ day: dayOf(plus(now, days)), hour });
  return out.slice(0, 3);
}

/** planOf starts from the wish of an earlier revision, or from the usual: the whole unit, at the next slot. */
export function planOf(b: BulletinBody, now = new Date()): Plan {
  const slot = slots(now)[0] ?? { day: dayOf(now), hour: "17:00" };
  const w = b.wish;
  const emergency = b.class === "emergency";
  const [day, hour] = w?.start ? [w.start.slice(0, 10), w.start.slice(11, 16)] : [slot.day, slot.hour];
  const byDay = /BYDAY=([A-Z,]+)/.exec(w?.rule ?? "")?.[1]?.split(",");
  const until = /UNTIL=(\d{4})(\d\d)(\d\d)/.exec(w?.rule ?? "");
  return {
    units: w?.units ?? [b.unit],
    when: w?.when ?? (emergency ? "now" : "at"),
    day, hour,
    freq: byDay ? "WEEKLY" : "DAILY",
    days: byDay ?? ["MO", "WE", "FR"],
    until: until ? `${until[1]}-${until[2]}-${until[3]}` : ((w?.when === "programmes" && w.last_day) || dayOf(plus(now, 7))),
    night: w?.night ?? false,
    reason: w?.night_reason ?? "",
    more: (w?.plays_per_day ?? 0) > 1,
    movable: w?.when === "at" && Boolean(w.last_day),
    volume: String(w?.volume || 80),
    validity: validities.find((v) => v === String(w?.validity)) ?? "60",
    passes: passes.find((n) => n === String(w?.passes)) ?? "2",
  };
}

/** wishOf is what the hub gets; undefined while something is missing. */
export function wishOf(p: Plan, b: BulletinBody): Wish | undefined {
  if (p.units.length === 0) return undefined;
  const w: Wish = { units: p.units, when: p.when, volume: Number(p.volume) };
  if (b.class === "emergency") {
    if (b.options.drill) w.drill = true;
    w.validity = Number(p.validity);
    w.passes = Number(p.passes);
    if (p.when === "rule") return undefined;
  } else if (p.night) {
    if (!p.reason.trim()) return undefined;
    w.night = true;
    w.night_reason = p.reason.trim();
  }
  if (p.more && (p.when === "now" || p.when === "at") && b.class !== "emergency") w.plays_per_day = 2;
  if (p.when === "now") return w;
  if (p.when === "programmes") {
    if (!p.until || b.class === "emergency") return undefined;
    w.last_day = p.until;
    return w;
  }
  if (!p.day || !p.hour) return undefined;
  w.start = `${p.day}T${p.hour}:00`;
  if (p.when === "at" && p.movable && b.class !== "emergency") w.last_day = dayOf(plus(new Date(`${p.day}T12:00:00+07:00`), 6));
  if (p.when === "rule") {
    if (!p.until || (p.freq === "WEEKLY" && p.days.length === 0)) return undefined;
    const by = p.freq === "WEEKLY" ? `;BYDAY=${weekdays.filter((d) => p.days.includes(d)).join(",")}` : "";
    w.rule = `FREQ=${p.freq}${by};UNTIL=${p.until.replaceAll("-", "")}T235959`;
  }
  return w;
}
