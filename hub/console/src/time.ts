// Dates and durations in the hub's zone and the reader's language.
import { lang } from "./state";

/** The zone of all Viet Nam, and of the hub's local times. */
export const zone = "Asia/Ho_Chi_Minh";

const tag = (): string => (lang.value === "en" ? "en-GB" : "vi-VN");

// Making a format costs a telephone as much as a row of a list, so each is made once.
const formats = new Map<string, Intl.DateTimeFormat>();
const form = (o: Intl.DateTimeFormatOptions, t: Date): string => {
  const key = tag() + JSON.stringify(o);
  let f = formats.get(key);
  if (!f) formats.set(key, (f = new Intl.DateTimeFormat(tag(), { timeZone: zone, ...o })));
  return f.format(t).replace("Chủ Nhật", "Chủ nhật"); // as everywhere else here
};
/** lazily makes what is dear to make when it is first wanted: the page is there the sooner. */
const lazily = <T,>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => (made ??= make());
};
const relative = { vi: lazily(() => new Intl.RelativeTimeFormat("vi-VN", { numeric: "auto" })), en: lazily(() => new Intl.RelativeTimeFormat("en-GB", { numeric: "auto" })) };
const whole = { vi: lazily(() => new Intl.NumberFormat("vi-VN", { maximumFractionDigits: 0 })), en: lazily(() => new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 })) };
const days = lazily(() => new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }));

/** clock is "17:00". */
export const clock = (t: string | Date): string => form({ hour: "2-digit", minute: "2-digit", hour12: false }, new Date(t));
/** clockExact is "17:00:05". */
export const clockExact = (t: string | Date): string => form({ hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }, new Date(t));

/** dayOf is the local date "2026-12-01". */
export const dayOf = (t: Date): string => days().format(t);

const seconds = lazily(() => new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }));

/** stamp is local time as forms have it: "2026-12-01T17:00:05". */
export const stamp = (t: Date): string => seconds().format(t).replace(" ", "T");

const day = 24 * 3600_000;

/** named is how a day is called: with its year, unless it is of this one. */
const named = (d: string, now: Date): Intl.DateTimeFormatOptions => ({ weekday: "long", day: "numeric", month: "numeric", ...(d.slice(0, 4) === dayOf(now).slice(0, 4) ? {} : { year: "numeric" }) });

/** when is "17:00 hôm nay" or "17:00 thứ Hai, 1/12". */
export function when(t: string | Date, now = new Date()): string {
  const at = new Date(t);
  const date = dayOf(at);
  const word = lang.value === "en" ? { today: "today", next: "tomorrow", last: "yesterday" } : { today: "hôm nay", next: "ngày mai", last: "hôm qua" };
  const name =
    date === dayOf(now) ? word.today
    : date === dayOf(new Date(now.getTime() + day)) ? word.next
    : date === dayOf(new Date(now.getTime() - day)) ? word.last
    : form(named(date, now), at);
  return `${clock(at)} ${name}`;
}

/** date is "thứ Hai, 1/12" of "2026-12-01". */
export const date = (d: string): string => form(named(d, new Date()), new Date(d + "T12:00:00+07:00"));

/** dated is "1/12/2026" of "2026-12-01". */
export const dated = (d: string): string => form({ day: "numeric", month: "numeric", year: "numeric" }, new Date(d + "T12:00:00+07:00"));

/** length is "1 phút 5 giây". */
export function length(ms: number): string {
  const s = Math.max(1, Math.round(ms / 1000));
  const [min, sec] = lang.value === "en" ? ["min", "s"] : ["phút", "giây"];
  return s < 60 ? `${s} ${sec}` : `${Math.floor(s / 60)} ${min}` + (s % 60 ? ` ${s % 60} ${sec}` : "");
}

/** ago is "5 phút trước". */
export function ago(t: string, now = Date.now()): string {
  const s = Math.round((new Date(t).getTime() - now) / 1000);
  const f = relative[lang.value]();
  const a = Math.abs(s);
  if (a < 60) return lang.value === "en" ? "just now" : "vừa xong";
  if (a < 3600) return f.format(Math.round(s / 60), "minute");
  if (a < 86400) return f.format(Math.round(s / 3600), "hour");
  return f.format(Math.round(s / 86400), "day");
}

export const number = (n: number): string => whole[lang.value]().format(n);

/** plus is an instant some days later. */
export const plus = (t: Date, days: number): Date => new Date(t.getTime() + days * 24 * 3600_000);
