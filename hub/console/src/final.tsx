// What cannot be undone.
import { useSignal } from "@preact/signals";
import { Note } from "./ui";

/** Final says with the first tap what an act means, and does it with the second. */
export function Final({ verb, says, really, busy, small, label, act }: { verb: string; says: string; really: string; busy: boolean; small?: boolean; label?: string; act: () => Promise<void> }) {
  const open = useSignal(false);
  return (
    <>
      <button type="button" class={small ? "second small" : "second"} aria-expanded={open.value} {...(label ? { "aria-label": label } : {})} onClick={() => (open.value = !open.value)}>
        {verb}
      </button>
      {open.value && (
        <div class="final">
          <Note tone="warn">
            <p>{says}</p>
            <button type="button" class="button danger" aria-disabled={busy} onClick={() => void act()}>
              {really}
            </button>
          </Note>
        </div>
      )}
    </>
  );
}
