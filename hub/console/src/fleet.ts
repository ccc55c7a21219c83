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
/** arranged changes where the order of the rows may: a name or a state is another, or all are loaded anew. */
export const arranged = signal(0);
/** renewed changes with every row that does. */
export const renewed = signal(0);

let table: DeviceTable | undefined;
let rows: (Row | undefined)[] = [];
let keys: string[] = []; // of the first rows; the rest is made when it is wanted
let folded: string[] | undefined; // names of units, as they are searched
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

/** keyOf is what is searched of a row: name, id and unit as people type them in a hurry. */
const keyOf = (t: DeviceTable, i: number, name: string): string => {
  folded ??= plain(t.units.map(unitName).join("\n")).split("\n");
  return `${name} ${t.ids[i]} ${folded[t.unit[i] ?? 0]}`;
};

/** more makes the keys of the next n rows, in one go: a call a row costs more than the letters. */
function more(n: number): boolean {
  const t = table;
  if (!t || keys.length >= t.ids.length) return false;
  const from = keys.length;
  plain(t.names.slice(from, from + n).join("\n"))
    .split("\n")
    .forEach((name, k) => keys.push(keyOf(t, from + k, name)));
  return true;
}

/** keysOf are what is searched, by place. */
export function keysOf(): string[] {
  more(table?.ids.length ?? 0);
  return keys;
}

/** prepare makes them bit by bit while the page rests, so that the first letter of a search need not wait. */
export function prepare(): void {
  if (more(1000)) idle(prepare);
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
    const other = t.names[i] !== d.name || t.unit[i] !== unit;
    t.names[i] = d.name;
    t.unit[i] = unit;
    t.state[i] = state;
    t.heard[i] = d.last_heard ? Date.parse(d.last_heard) / 1000 : 0;
    t.flags[i] = flagsOf(d);
    rows[i] = undefined;
    if (other && i < keys.length) keys[i] = keyOf(t, i, plain(d.name));
    if (elsewhere) put(t, i);
    moved ||= elsewhere;
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
  keys = [];
});
effect(() => {
  if (me.value !== null) return;
  table = undefined;
  count.value = undefined;
});
