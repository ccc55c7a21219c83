// Differences between two revisions of a text, word by word.

/** Piece is a stretch of words that stayed, went or came. */
export interface Piece {
  kind: "same" | "gone" | "new";
  text: string;
}

const split = (s: string): string[] => s.split(/(\s+)/).filter(Boolean);

// Longer texts are shown as wholly changed: a table of all pairs would stall a phone.
const most = 4_000_000;

/** diff finds the longest common run of words and what differs around it. */
export function diff(before: string, after: string): Piece[] {
  const a = split(before);
  const b = split(after);
  if (a.length * b.length > most) return [{ kind: "gone", text: before }, { kind: "new", text: after }];
  const width = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const out: Piece[] = [];
  const add = (kind: Piece["kind"], text: string) => {
    const last = out[out.length - 1];
    if (last?.kind === kind) last.text += text;
    else out.push({ kind, text });
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const x = a[i];
    const y = b[j];
    if (x !== undefined && x === y) {
      add("same", x);
      i++;
      j++;
    } else if (y === undefined || (x !== undefined && at(i + 1, j) >= at(i, j + 1))) {
      add("gone", x ?? "");
      i++;
    } else {
      add("new", y);
      j++;
    }
  }
  return out;
}
