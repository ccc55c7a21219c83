// A programme between the form and the hub.
import type { ItemBody, ProgrammeBody, ProgrammeContent } from "./api";
import { dayOf, plus, stamp } from "./time";

/** Plan is a programme as its form has it. */
export interface Plan {
  name: string;
  unit: string;
  units: string[];
  group: string;
  deadline: string;
  day: string;
  hour: string;
  last: string;
  minutes: string;
  repeat: "" | "FREQ=DAILY" | "week";
  days: string[];
  lunar: string;
  skip: boolean;
  items: ItemBody[];
}

/** names of the days in rules. */
export const names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;

/** planOf is a programme, or a new one of a unit, as a form. */
export function planOf(p: ProgrammeBody | null, own: string): Plan {
  if (!p) return { name: "", unit: own, units: [own], group: "", deadline: "", day: dayOf(plus(new Date(), 1)), hour: "05:00", last: dayOf(plus(new Date(), 31)), minutes: "30", repeat: "FREQ=DAILY", days: ["MO"], lunar: "", skip: false, items: [] };
  const by = /BYDAY=([A-Z,]+)/.exec(p.slot.rule ?? "")?.[1]?.split(",");
  return {
    name: p.name, unit: p.unit, units: p.units ?? [], group: p.group ?? "", deadline: p.deadline ? stamp(new Date(p.deadline)).slice(0, 16) : "", day: p.slot.start.slice(0, 10), hour: p.slot.start.slice(11, 16), last: p.slot.last_day ?? "",
    minutes: String(p.slot.minutes), repeat: by ? "week" : p.slot.rule ? "FREQ=DAILY" : "", days: by ?? ["MO"], lunar: (p.slot.lunar ?? []).join(", "), skip: p.slot.skip_holidays ?? false, items: p.items,
  };
}

/** usualDeadline for the communes' answers is the afternoon before, or the very start if that has passed. */
export function usualDeadline(v: Plan): string {
  const before = `${dayOf(new Date(Date.parse(`${v.day}T12:00:00+07:00`) - 86400_000))}T17:00`;
  return before > stamp(new Date()) ? before : `${v.day}T${v.hour}`;
}

/** contentOf is a form as the hub takes it. */
export function contentOf(v: Plan): ProgrammeContent {
  const rule = v.repeat === "week" ? `FREQ=WEEKLY;BYDAY=${names.filter((d) => v.days.includes(d)).join(",")}` : v.repeat;
  const lunar = v.lunar.split(/[^0-9]+/).map(Number).filter((n) => n > 0);
  const c: ProgrammeContent = { unit: v.unit, name: v.name, slot: { start: `${v.day}T${v.hour}:00`, minutes: Number(v.minutes) || 30, skip_holidays: v.skip }, items: v.items };
  if (rule) c.slot.rule = rule;
  if (v.last && rule) c.slot.last_day = v.last;
  if (lunar.length) c.slot.lunar = lunar;
  if (v.group) {
    c.group = v.group;
    c.deadline = new Date((v.deadline || usualDeadline(v)) + ":00+07:00").toISOString();
  } else c.units = v.units;
  return c;
}
