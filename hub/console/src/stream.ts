// One stream of changes for all tabs of the browser: the tab that holds the lock
// listens to the hub and passes on what it hears. Where a tab takes over, it goes
// on after the last number that any of them has seen, so nothing is missed.
import { signal } from "@preact/signals";

/** A change as the hub tells it; the number counts all changes of the hub. */
export interface Heard {
  seq: number;
  kind: string;
  id: string;
}

/** live is false while changes are not heard of. */
export const live = signal(true);

type Message = { is: "heard"; heard: Heard } | { is: "beat"; seq: number } | { is: "lost" } | { is: "over" };

let seen = 0; // the last number
let tell: (h: Heard) => void = () => {};
let over: () => void = () => {};
let source: EventSource | undefined;
let release: (() => void) | undefined;
let wanted = false;
let late: ReturnType<typeof setTimeout> | undefined;

const channel = "BroadcastChannel" in self ? new BroadcastChannel("loa-stream") : undefined;
const pass = (m: Message): void => channel?.postMessage(m);

/** patience is how long nothing may be heard, not even a beat, in ms. */
const patience = 40_000;

function alive(): void {
  live.value = true;
  clearTimeout(late);
  late = setTimeout(() => (live.value = false), patience);
}

function take(m: Message): void {
  if (m.is === "over") return over();
  if (m.is === "lost") {
    live.value = false;
    return;
  }
  alive();
  if (m.is === "beat") {
    seen = Math.max(seen, m.seq);
    return;
  }
  // Replayed to a tab that took over, others have it already.
  if (m.heard.seq <= seen && m.heard.kind !== "missed") return;
  seen = Math.max(seen, m.heard.seq);
  tell(m.heard);
}

const spread = (m: Message): void => {
  take(m);
  pass(m);
};

/** listen opens the hub's stream in this tab, after what was seen last. */
function listen(): void {
  source?.close();
  const s = new EventSource("/api/v1/events" + (seen ? `?since=${seen}` : ""));
  source = s;
  let lost: ReturnType<typeof setTimeout> | undefined;
  const number = (e: Event): number => Number((e as MessageEvent<string>).lastEventId) || seen;
  s.onopen = () => {
    clearTimeout(lost);
    alive();
  };
  s.onerror = () => {
    clearTimeout(lost);
    // A short break is nobody's business.
    lost = setTimeout(() => spread({ is: "lost" }), 3000);
    if (s.readyState === EventSource.CLOSED && wanted && source === s) setTimeout(() => wanted && source === s && listen(), 4000);
  };
  s.addEventListener("beat", (e) => spread({ is: "beat", seq: number(e) }));
  s.addEventListener("over", () => spread({ is: "over" }));
  s.addEventListener("change", (e) => {
    const n = JSON.parse((e as MessageEvent<string>).data) as { kind: string; id?: string };
    spread({ is: "heard", heard: { seq: number(e), kind: n.kind, id: n.id ?? "" } });
  });
}

function lead(): Promise<void> {
  listen();
  return new Promise((done) => {
    release = () => {
      source?.close();
      source = undefined;
      release = undefined;
      done();
    };
  });
}

/** follow begins to hear of changes; hush ends it. */
export function follow(on: (h: Heard) => void, ended: () => void): void {
  tell = on;
  over = ended;
  if (wanted) return;
  wanted = true;
  // Locks are there only where the page is served securely; each tab is for itself otherwise.
  if (navigator.locks && channel) void navigator.locks.request("loa-stream", () => (wanted ? lead() : undefined));
  else void lead();
}

export function hush(): void {
  wanted = false;
  clearTimeout(late);
  release?.();
}

/** leads says whether this tab is the one that listens. */
export const leads = (): boolean => source !== undefined;

channel?.addEventListener("message", (e: MessageEvent<Message>) => wanted && take(e.data));
