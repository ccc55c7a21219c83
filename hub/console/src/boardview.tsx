// Boards as they will look: the very pixels, page after page, moving as they move.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { say, w } from "./state";
import { length } from "./time";
import { Icon, Note } from "./ui";
import type { FindingBody, PageBody, PagesBody } from "./api";

const url = (png: string): string => `data:image/png;base64,${png}`;

async function picture(png: string): Promise<HTMLImageElement> {
  const i = new Image();
  i.src = url(png);
  await i.decode();
  return i;
}

/** A page with its pictures decoded. */
interface Ready {
  page: PageBody;
  still: HTMLImageElement;
  strip: HTMLImageElement | undefined;
}

/** draw puts a page on the canvas as it stands ms after its beginning. */
function draw(c: CanvasRenderingContext2D, r: Ready, ms: number): void {
  c.drawImage(r.still, 0, 0);
  const k = r.page.crawl;
  if (!k || !r.strip) return;
  const n = Math.min(k.frames, Math.floor((ms / 1000) * k.rate));
  c.save();
  c.beginPath();
  c.rect(k.x, k.y, k.width, k.height);
  c.clip();
  c.fillStyle = "#000";
  c.fillRect(k.x, k.y, k.width, k.height);
  // Column n*step - width of the strip is at the zone's left edge.
  c.drawImage(r.strip, k.x - (n * k.step - k.width), k.y);
  c.restore();
}

/** Moving plays the pages as a board does, over and over, while it is played; else it stands within the first. */
function Moving({ of: p, playing }: { of: PagesBody; playing: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const at = useSignal(0); // of pages
  useEffect(() => {
    let over = false;
    let frame = 0;
    void Promise.all(p.pages.map(async (page) => ({ page, still: await picture(page.png), strip: page.crawl ? await picture(page.crawl.strip) : undefined }))).then(
      (ready) => {
        const c = canvas.current?.getContext("2d");
        if (over || !c || !ready.length) return;
        let i = 0;
        let began = performance.now();
        const step = (now: number) => {
          const r = ready[i];
          if (over || !r) return;
          if (now - began >= r.page.dwell_ms) {
            i = (i + 1) % ready.length;
            at.value = i;
            began = now;
          }
          draw(c, ready[i] ?? r, now - began);
          frame = requestAnimationFrame(step);
        };
        if (playing) frame = requestAnimationFrame(step);
        else if (ready[0]) draw(c, ready[0], ready[0].page.crawl ? ready[0].page.dwell_ms / 3 : 0);
      },
      () => undefined, // a picture that cannot be decoded stays dark
    );
    return () => {
      over = true;
      cancelAnimationFrame(frame);
    };
  }, [p, playing]);
  return <canvas ref={canvas} width={p.width} height={p.height} role="img" aria-label={w().boardPage(at.value + 1, p.pages.length, length(p.pages[at.value]?.dwell_ms ?? 0))} />;
}

/** around is where a finding is, in the words of its field. */
function around(f: FindingBody, fields: Partial<Record<string, string>>): string {
  const all = [...(fields[f.field ?? ""] ?? "").normalize("NFC")];
  if (!f.field || f.position >= all.length || !f.letter) return "";
  const from = Math.max(0, f.position - 10);
  return `${from > 0 ? "…" : ""}${all.slice(from, f.position + 12).join("")}${f.position + 12 < all.length ? "…" : ""}`.replace(/\s+/g, " ");
}

/** Findings is what the author should know, with its place. */
function Findings({ list, fields }: { list: FindingBody[]; fields: Partial<Record<string, string>> }) {
  if (!list.length) return null;
  return (
    <Note tone="warn">
      <ul>
        {list.slice(0, 12).map((f, i) => {
          const place = around(f, fields);
          return (
            <li key={i}>
              {say(f)} {place && <q>{place}</q>}
            </li>
          );
        })}
      </ul>
    </Note>
  );
}

/** BoardFigure is a bulletin on one size of board: every page, or as it moves. */
export function BoardFigure({ of: p, fields }: { of: PagesBody; fields: Partial<Record<string, string>> }) {
  const name = w().boardSize(p.width, p.height);
  const playing = useSignal(false);
  const moves = p.pages.length > 1 || p.pages.some((x) => x.crawl);
  const canvas = playing.value || (p.pages.length === 1 && moves);
  return (
    <figure class="board">
      <figcaption>
        {name}, {length(p.length_ms / 2)}
      </figcaption>
      {canvas ? (
        <Moving of={p} playing={playing.value} />
      ) : (
        // Boards with many pages scroll, also by keys.
        <ol tabIndex={0} aria-label={name}>
          {p.pages.map((page, i) => (
            <li key={i}>
              <img src={url(page.png)} width={p.width} height={p.height} alt={w().boardPage(i + 1, p.pages.length, length(page.dwell_ms))} />
              <span aria-hidden="true">{w().boardPage(i + 1, p.pages.length, length(page.dwell_ms))}</span>
            </li>
          ))}
        </ol>
      )}
      {moves && (
        <button type="button" class="second small" onClick={() => (playing.value = !playing.value)}>
          <Icon name={playing.value ? "pause" : "play"} solid />
          {playing.value ? w().boardPause : w().boardPlay}
        </button>
      )}
      <Findings list={p.findings} fields={fields} />
    </figure>
  );
}
