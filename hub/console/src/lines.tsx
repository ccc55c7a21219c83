// A form of lines that are added, changed and removed one by one, and saved together.
import { useSignal } from "@preact/signals";
import { Fragment, type ComponentChildren } from "preact";
import { done, trouble } from "./state";
import { Say, useBusy } from "./ui";

/** Lines begins with what is there before; fresh is a new line, and put what keeps them all, now or when it is undone. */
export function Lines<T extends object>({ before, words, fresh, most, put, line }: {
  before: T[];
  words: { none: string; add: string; save: string; saved: string };
  fresh: T;
  most?: number;
  put: (lines: T[]) => Promise<void>;
  line: (l: T, set: (part: Partial<T>) => void, remove: () => void) => ComponentChildren;
}) {
  const list = useSignal(before);
  const [busy, run] = useBusy();
  const save = (e: Event) => {
    e.preventDefault();
    void run(async () => {
      await put(list.value);
      done(words.saved, () => put(before));
    });
  };
  return (
    <form onSubmit={save}>
      {list.value.length === 0 && <p class="quiet">{words.none}</p>}
      {list.value.map((l, i) => (
        <Fragment key={i}>
          {line(
            l,
            (part) => (list.value = list.value.map((x, k) => (k === i ? { ...x, ...part } : x))),
            () => (list.value = list.value.filter((_, k) => k !== i)),
          )}
        </Fragment>
      ))}
      <Say refusal={trouble.value} />
      <div class="pair wrap">
        <button type="button" class="second" disabled={list.value.length >= (most ?? Infinity)} onClick={() => (list.value = [...list.value, fresh])}>
          {words.add}
        </button>
        <button type="submit" class="button" aria-disabled={busy}>
          {words.save}
        </button>
      </div>
    </form>
  );
}
