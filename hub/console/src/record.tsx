// The recorder on the screen: one button that records and stops.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { refusalOf } from "./call";
import { canRecord, drop, finish, put, record, takesOf, whole, type Recording, type Take } from "./recorder";
import { done as undoable, failed, live, w } from "./state";
import { length } from "./time";
import { Card, Icon, Note } from "./ui";

export default function Recorder({ draft, done, onDone }: { draft: string; done: boolean; onDone: (digest: string) => void }) {
  const takes = useSignal<Take[]>([]);
  const going = useSignal<Recording | null>(null);
  const working = useSignal(false);
  const unsent = useSignal(false); // the hub lacks some of it still
  const elapsed = useSignal(0);
  const level = useSignal(0);
  const refused = useSignal(false);
  const running = useRef<Recording | null>(null);

  const settle = async (list: Take[]) => {
    working.value = true;
    try {
      const all: Take[] = [];
      for (const t of list) if (t.ms > 0) all.push(await finish(t));
      if (all.length) onDone(await whole(all));
      takes.value = all;
      unsent.value = false;
    } catch (e) {
      takes.value = list.filter((t) => t.ms > 0);
      const { status } = refusalOf(e);
      unsent.value = status === 0 || status === 401; // it is tried again, when there is a network and a log-in
      if (status) failed(e);
    } finally {
      working.value = false;
    }
  };

  useEffect(() => {
    // A recording that a closed tab has left.
    void takesOf(draft).then((list) => {
      takes.value = list;
      if (list.length && !done) void settle(list);
    }, failed);
    const stop = () => void running.current?.stop();
    addEventListener("pagehide", stop);
    return () => {
      removeEventListener("pagehide", stop);
      stop();
    };
  }, [draft]);

  useEffect(() => {
    if (!unsent.value || !live.value || going.value) return;
    const again = () => void takesOf(draft).then(settle, failed);
    addEventListener("online", again);
    const timer = setInterval(again, 4000);
    return () => {
      removeEventListener("online", again);
      clearInterval(timer);
    };
  }, [unsent.value, live.value, going.value]);

  useEffect(() => {
    const r = going.value;
    if (!r) return;
    const timer = setInterval(() => {
      elapsed.value = r.elapsed();
      level.value = r.level();
    }, 100);
    return () => clearInterval(timer);
  }, [going.value]);

  const toggle = async () => {
    if (working.value) return;
    const now = going.value;
    if (now) {
      working.value = true;
      going.value = null;
      running.current = null;
      try {
        await now.stop();
        await settle(await takesOf(draft));
      } catch (e) {
        working.value = false;
        failed(e);
      }
      return;
    }
    refused.value = false;
    try {
      running.current = going.value = await record(draft);
    } catch {
      refused.value = true;
    }
  };
  const again = async () => {
    const was = takes.value;
    await drop(draft);
    takes.value = [];
    unsent.value = false;
    onDone("");
    // The hub has the sound still.
    undoable(w().recordDropped, async () => {
      await Promise.all(was.map(put));
      await settle(was);
    });
  };

  if (!canRecord()) return <Note tone="warn">{w().noMicrophone}</Note>;
  const total = takes.value.reduce((n, t) => n + t.ms, 0);
  const on = going.value !== null;
  return (
    <Card tone={on ? "live" : ""}>
      <button type="button" class={on ? "button danger wide" : "button wide"} aria-disabled={working.value} onClick={() => void toggle()}>
        <Icon name={on ? "stop" : "mic"} solid={on} />
        {on ? w().recordStop : takes.value.length ? w().recordOn : w().record}
      </button>
      {/* The seconds are not read out: the microphone would hear them. */}
      <p role="status" aria-live={on ? "off" : "polite"} class="recording">
        {on && w().recording(length(elapsed.value + total))}
        {!on && working.value && w().recordKeeping}
        {!on && !working.value && takes.value.length > 0 && w().recorded(length(total), takes.value.length)}
      </p>
      {on && (
        <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label={w().recordLevel}>
          <rect class="rest" width="100" height="4" />
          <rect class="sure" width={Math.round(level.value * 100)} height="4" />
        </svg>
      )}
      {!on && !working.value && unsent.value && <Note tone="warn">{w().recordUnsent}</Note>}
      {refused.value && <Note tone="bad">{w().microphoneRefused}</Note>}
      {!on && !working.value && takes.value.length > 0 && (
        <button type="button" class="text" onClick={() => void again()}>
          {w().recordAgain}
        </button>
      )}
    </Card>
  );
}
