// What goes on air at once: ten seconds in which it can still be called off.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { announce, w } from "./state";

const patience = 10; // seconds

/** A second that comes later than this was slept through, by a telephone in a pocket; ms. */
const asleep = 5000;

/**
 * Countdown acts at its end, unless it is called off or the screen is left before. Where
 * the page was put to sleep it calls itself off: nobody has seen the seconds.
 */
export function Countdown({ onEnd, onCancel }: { onEnd: () => void; onCancel: (slept: boolean) => void }) {
  const left = useSignal(patience);
  const cancel = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    cancel.current?.focus();
    let last = Date.now();
    const timer = setInterval(() => {
      const now = Date.now();
      if (now - last > asleep) {
        clearInterval(timer);
        return onCancel(true);
      }
      last = now;
      left.value--;
      if (left.value === patience / 2) announce(w().countdown(left.value)); // for who cannot see it run
      if (left.value > 0) return;
      clearInterval(timer);
      onEnd();
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="count">
      <p role="timer" aria-live="off" id="left">
        {w().countdown(left.value)}
      </p>
      <button type="button" class="button danger wide" aria-describedby="left" ref={cancel} disabled={left.value === 0} onClick={() => onCancel(false)}>
        {w().countdownCancel}
      </button>
    </div>
  );
}
