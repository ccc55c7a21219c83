// What was to be sent while the hub could not be reached: kept on this device,
// sent later, once. The key goes with it, so that an answer lost on the way makes
// no second bulletin.
import { computed, effect, signal } from "@preact/signals";
import { call, Refusal } from "./call";
import type { BulletinBody, BulletinContent } from "./api";
import { forget } from "./draft";
import { kept, live, me, notice, touch, w } from "./state";

interface Letter {
  key: string;
  person: string;
  draft: string;
  content: BulletinContent;
}

const read = (): Letter[] => {
  try {
    return JSON.parse(kept.get("outbox") || "[]") as Letter[];
  } catch {
    return [];
  }
};

const letters = signal<Letter[]>(read());
/** waiting is how many letters of the person wait to be sent. */
export const waiting = computed(() => letters.value.filter((l) => l.person === me.value?.id).length);

function write(list: Letter[]): void {
  letters.value = list;
  kept.set("outbox", list.length ? JSON.stringify(list) : "");
}

/** post leaves a bulletin to be sent when the hub can be reached. */
export function post(key: string, draft: string, content: BulletinContent): void {
  write([...read(), { key, person: me.value?.id ?? "", draft, content }]);
}

let busy = false;

/** deliver sends what waits. What the hub refuses stays a draft. */
export async function deliver(): Promise<void> {
  if (busy || !waiting.value) return;
  busy = true;
  try {
    for (const l of read().filter((x) => x.person === me.value?.id)) {
      try {
        await call<BulletinBody>("POST", "/bulletins", l.content, l.key);
        forget(l.draft);
        notice.value = w().sentLater;
      } catch (e) {
        if (!(e instanceof Refusal) || e.status === 401 || e.status >= 500) return;
        if (e.code === "being-done") return;
        notice.value = w().notSentLater;
      }
      write(read().filter((x) => x.key !== l.key));
      touch("bulletin");
    }
  } finally {
    busy = false;
  }
}

addEventListener("online", () => void deliver());
addEventListener("storage", (e) => {
  if (e.key === "loa.outbox") letters.value = read();
});
effect(() => {
  if (me.value && live.value && waiting.value) void deliver();
});
