// All devices, in columns as the hub sends them, and kept up to date row by row:
// 10,000 of them are loaded once. What a telephone is slow at (an object a row,
// keys for the search, sorting) is done for what is in sight, or when it is wanted.
import { batch, effect, signal } from "@preact/signals";
import { call } from "./call";
import { plain } from "./health";
import { devicesHeard, idle, me, unitName, units } from "./state";
import type { DeviceBody, DeviceTable } from "./api";

export const states = ["waiting", "never-heard", "offline", "online", "revoked"] as const;
export const flag = { sound: 1, board: 2, muted: 4, clock: 8, fault: 16, playing: 32, missing: 64 };

/** A device, as a list shows it; a new object whenever something about it has changed. */
export interface Row {
  id: string;
  name: string;
  unit: string;
  state: number; // of states
  heard: number; // s since 1970, 0: never
  flags: number;
}

/** count is how many devices there are; undefined until they were loaded. */
export const count = signal<number | undefined>(undefined);
/** arranged changes where the order of the rows, or what a search finds, may: a name, a unit or a state is another, or all are loaded anew. */
export const arranged = signal(0);
/** renewed changes with every row that does. */
export const renewed = signal(0);

let table: DeviceTable | undefined;
let rows: (Row | undefined)[] = [];
let keys: string[] = []; // names of the first rows, as they are searched; the rest is made when it is wanted
let folded: string[] | undefined; // names of units, likewise
let piles: number[][] | undefined; // places by what is wrong, each by name; undefined while the hub's own order stands
let at: Map<string, number> | undefined;
let loading: Promise<void> | undefined;

/** rowAt is the device in a place of the columns. */
export function rowAt(i: number): Row {
  const t = table as DeviceTable;
  return (rows[i] ??= { id: t.ids[i] ?? "", name: t.names[i] ?? "", unit: t.units[t.unit[i] ?? 0] ?? "", state: t.state[i] ?? 0, heard: t.heard[i] ?? 0, flags: t.flags[i] ?? 0 });
}
export const stateAt = (i: number): number => table?.state[i] ?? 0;
export const flagsAt = (i: number): number => table?.flags[i] ?? 0;

/** more makes the keys of the next n rows, in one go: a call a row costs more than the letters. */
function more(n: number): boolean {
  const t = table;
  if (!t || keys.length >= t.ids.length) return false;
  const next = t.names.slice(keys.length, keys.length + n);
  for (const name of plain(next.join("\n")).split("\n")) keys.push(name);
  return true;
}

/** prepare makes them bit by bit while the page rests, so that the first letter of a search need not wait. */
export function prepare(): void {
  if (more(1000)) idle(prepare);
}

/** having are those of some places whose device has every word in its name, id or unit, as people type in a hurry. */
export function having(words: string[], among: number[]): number[] {
  const t = table;
  if (!t) return [];
  more(t.ids.length);
  folded ??= t.units.map((u) => plain(unitName(u)));
  for (const word of words) {
    const unit = folded.map((name) => name.includes(word)); // asked once for all rows of a unit
    among = among.filter((i) => keys[i]?.includes(word) || unit[t.unit[i] ?? 0] || t.ids[i]?.includes(word));
  }
  return among;
}

const rank = [2, 1, 0, 3, 4]; // of states: what is wrong comes first
const pileOf = (state: number): number => rank[state] ?? 0;

/** piled parts the hub's order into its piles, once. */
function piled(t: DeviceTable): number[][] {
  if (piles) return piles;
  piles = [[], [], [], [], []];
  for (let i = 0; i < t.ids.length; i++) piles[pileOf(t.state[i] ?? 0)]?.push(i);
  return piles;
}

/** put places a row in its pile by name, between the others. */
function put(t: DeviceTable, i: number): void {
  const pile = piled(t)[pileOf(t.state[i] ?? 0)];
  if (!pile) return;
  const key = (k: number): string => plain(t.names[k] ?? "") + "\0" + t.ids[k];
  const mine = key(i);
  let [low, high] = [0, pile.length];
  while (low < high) {
    const mid = (low + high) >> 1;
    if (key(pile[mid] ?? 0) < mine) low = mid + 1;
    else high = mid;
  }
  pile.splice(low, 0, i);
}

/** order is the places of the rows, what is wrong first, then by name. The hub sends them so. */
export const order = (): number[] => (piles ? piles.flat() : Array.from({ length: table?.ids.length ?? 0 }, (_, i) => i));

/** working is how many devices there are without the revoked, and how many of them are connected. */
export function working(): [alive: number, online: number] {
  const t = table;
  if (!t) return [0, 0];
  const p = piled(t);
  return [t.ids.length - (p[pileOf(4)]?.length ?? 0), p[pileOf(3)]?.length ?? 0];
}

function take(t: DeviceTable): void {
  table = t;
  rows = [];
  keys = [];
  piles = folded = at = undefined;
  batch(() => {
    count.value = t.ids.length;
    arranged.value++;
    renewed.value++;
  });
}

const flagsOf = (d: DeviceBody): number =>
  (d.sound ? flag.sound : 0) | (d.board ? flag.board : 0) | (d.muted ? flag.muted : 0) | (d.clock_sure === false ? flag.clock : 0) |
  (d.faults.length ? flag.fault : 0) | (d.playing ? flag.playing : 0) | (d.missing ? flag.missing : 0);

function renew(list: DeviceBody[]): void {
  const t = table;
  if (!t) return;
  at ??= new Map(t.ids.map((id, i) => [id, i]));
  let moved = false;
  for (const d of list) {
    const i = at.get(d.id);
    if (i === undefined) return void load();
    let unit = t.units.indexOf(d.unit);
    if (unit < 0) {
      unit = t.units.push(d.unit) - 1;
      folded = undefined;
    }
    const state = states.indexOf(d.state);
    const elsewhere = t.state[i] !== state || t.names[i] !== d.name;
    if (elsewhere) {
      const pile = piled(t)[pileOf(t.state[i] ?? 0)];
      pile?.splice(pile.indexOf(i), 1);
    }
    if (t.names[i] !== d.name && i < keys.length) keys[i] = plain(d.name);
    t.names[i] = d.name;
    const home = t.unit[i] !== unit;
    t.unit[i] = unit;
    t.state[i] = state;
    t.heard[i] = d.last_heard ? Date.parse(d.last_heard) / 1000 : 0;
    t.flags[i] = flagsOf(d);
    rows[i] = undefined;
    if (elsewhere) put(t, i);
    moved ||= elsewhere || home;
  }
  batch(() => {
    renewed.value++;
    if (moved) arranged.value++;
  });
}

/** load gets all devices; it fails as call does. */
export function load(): Promise<void> {
  loading ??= call<DeviceTable>("GET", "/device-table")
    .then(take)
    .finally(() => (loading = undefined));
  return loading;
}

const waiting = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

async function follow(): Promise<void> {
  timer = undefined;
  const ids = [...waiting].slice(0, 200);
  ids.forEach((id) => waiting.delete(id));
  try {
    renew(await call<DeviceBody[]>("GET", "/devices?" + ids.map((id) => "id=" + encodeURIComponent(id)).join("&")));
  } catch {
    // The next change brings the row up to date.
  }
  if (waiting.size) timer ??= setTimeout(() => void follow(), 1000);
}

effect(() => {
  const ids = devicesHeard.value;
  if (!table) return;
  if (ids === null) return void load().catch(() => undefined);
  ids.forEach((id) => waiting.add(id));
  if (waiting.size) timer ??= setTimeout(() => void follow(), 1000);
});
// The names of units may come after the devices.
effect(() => {
  void units.value;
  folded = undefined;
  arranged.value = arranged.peek() + 1;
});
effect(() => {
  if (me.value !== null) return;
  table = undefined;
  count.value = undefined;
});
