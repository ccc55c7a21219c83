// DỪNG PHÁT: one tap sends it at once; five seconds to take it back.
import { signal } from "@preact/signals";
import { api, refusalOf } from "./api";
import { ended, notice, touch, w } from "./state";
import { Icon } from "./ui";

const grace = 5;

type Stopping =
  | { is: "idle" }
  | { is: "sending" }
  | { is: "failed" }
  | { is: "sent"; stops: string[]; units: number; left: number };

const state = signal<Stopping>({ is: "idle" });
let ticking: ReturnType<typeof setInterval> | undefined;

/** stop silences all of the person's units, or one airing. */
export async function stop(airing?: string): Promise<void> {
  clearInterval(ticking);
  state.value = { is: "sending" };
  try {
    const stops = await api.stop(airing ? { airing } : {});
    state.value = { is: "sent", stops: stops.map((s) => s.id), units: new Set(stops.map((s) => s.unit)).size, left: grace };
    ticking = setInterval(tick, 1000);
    touch("receipt");
  } catch (e) {
    if (refusalOf(e).status === 401) {
      state.value = { is: "idle" };
      ended();
    } else state.value = { is: "failed" };
  }
}

function tick(): void {
  const s = state.value;
  if (s.is !== "sent") return clearInterval(ticking);
  if (s.left > 1) {
    state.value = { ...s, left: s.left - 1 };
    return;
  }
  clearInterval(ticking);
  notice.value = w().stopped(s.units);
  state.value = { is: "idle" };
}

async function takeBack(stops: string[]): Promise<void> {
  clearInterval(ticking);
  state.value = { is: "sending" };
  try {
    const again = await Promise.all(stops.map((id) => api.takeBack(id)));
    notice.value = w().tookBack(again.flat().length);
    touch("receipt");
    state.value = { is: "idle" };
  } catch {
    state.value = { is: "failed" };
  }
}

export function StopButton() {
  return (
    <button type="button" class="stop" onClick={() => void stop()}>
      <Icon name="stop" solid />
      {w().stop}
    </button>
  );
}

/** StopStrip says what became of the stop, and offers to take it back. */
export function StopStrip() {
  const s = state.value;
  return (
    <div class={s.is === "idle" ? "strip hidden" : "strip"}>
      {/* The seconds run outside of what is read out, or it would be read anew with each. */}
      <p role="alert">{s.is === "sending" ? w().stopping : s.is === "failed" ? w().stopFailed : s.is === "sent" ? w().stopped(s.units) : ""}</p>
      {s.is === "sent" && (
        <button type="button" class="second" onClick={() => void takeBack(s.stops)}>
          {w().undo} <span aria-hidden="true">({s.left})</span>
        </button>
      )}
    </div>
  );
}
