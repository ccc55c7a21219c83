// All devices, in columns as the hub sends them, and kept up to date row by row:
// 10,000 of them are loaded once.
import { batch, effect, signal } from "@preact/signals";
import { call } from "./call";
import { plain } from "./health";
import { devicesHeard, me, units } from "./state";
import type { DeviceBody, DeviceTable } from "./api";

export const states = ["waiting", "never-heard", "offline", "online", "revoked"] as const;
export const flag = { sound: 1, board: 2, muted: 4, clock: 8, fault: 16, playing: 32, missing: 64 };

/** A device, as a list shows it. */
export interface Row {
  id: string;
  name: string;
  unit: string;
  state: number; // of states
  heard: number; // s since 1970, 0: never
  flags: number;
  key: string; // what is searched
}

/** fleet is undefined until it was loaded; it is a new value whenever a row has changed. */
export const fleet = signal<Row[] | undefined>(undefined);
/** arranged changes where the order of the rows may: a row's name or state is another, or all are loaded anew. */
export const arranged = signal(0);
const at = new Map<string, number>();
let loading = false;

const names = new Map<string, string>();
const key = (r: { id: string; name: string; unit: string }): string => {
  let unit = names.get(r.unit);
  if (unit === undefined) names.set(r.unit, (unit = plain(units.value.find((u) => u.id === r.unit)?.name ?? r.unit)));
  return `${plain(r.name)} ${r.id} ${unit}`;
};

function take(t: DeviceTable): void {
  at.clear();
  names.clear();
  fleet.value = t.ids.map((id, i) => {
    at.set(id, i);
    const r = { id, name: t.names[i] ?? id, unit: t.units[t.unit[i] ?? 0] ?? "", state: t.state[i] ?? 0, heard: t.heard[i] ?? 0, flags: t.flags[i] ?? 0, key: "" };
    r.key = key(r);
    return r;
  });
  arranged.value++;
}

const flagsOf = (d: DeviceBody): number =>
  (d.sound ? flag.sound : 0) | (d.board ? flag.board : 0) | (d.muted ? flag.muted : 0) | (d.clock_sure === false ? flag.clock : 0) |
  (d.faults.length ? flag.fault : 0) | (d.playing ? flag.playing : 0) | (d.missing ? flag.missing : 0);

function renew(list: DeviceBody[]): void {
  const rows = fleet.value?.slice();
  if (!rows) return;
  let moved = false;
  for (const d of list) {
    const i = at.get(d.id);
    if (i === undefined) return void load();
    const r: Row = { id: d.id, name: d.name, unit: d.unit, state: states.indexOf(d.state), heard: d.last_heard ? Date.parse(d.last_heard) / 1000 : 0, flags: flagsOf(d), key: "" };
    const was = rows[i];
    r.key = was && was.name === r.name && was.unit === r.unit ? was.key : key(r);
    moved ||= was?.state !== r.state || was.key !== r.key;
    rows[i] = r;
  }
  batch(() => {
    fleet.value = rows;
    if (moved) arranged.value++;
  });
}

/** load gets all devices; it fails as call does. */
export async function load(): Promise<void> {
  if (loading) return;
  loading = true;
  try {
    take(await call<DeviceTable>("GET", "/device-table"));
  } finally {
    loading = false;
  }
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
  if (!fleet.peek()) return;
  if (ids === null) return void load().catch(() => undefined);
  ids.forEach((id) => waiting.add(id));
  if (waiting.size) timer ??= setTimeout(() => void follow(), 1000);
});
effect(() => {
  if (me.value === null) fleet.value = undefined;
});
