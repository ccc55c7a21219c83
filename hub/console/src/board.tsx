// A board as it will look: the very pixels that devices draw, moving at their speed.
// The hub draws them (hub/api/boards.go); here they are only put where they stand.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { dictionary } from "./state";
import type { CrawlBody, PagesBody } from "./types";

const t = dictionary(
  { play: "Chạy", pause: "Dừng", page: (i: number, n: number, s: number) => `Trang ${i}/${n}, ${s} giây`, reading: (s: number) => `Đọc hai lượt mất khoảng ${s} giây` },
  { play: "Play", pause: "Pause", page: (i: number, n: number, s: number) => `Page ${i} of ${n}, ${s} s`, reading: (s: number) => `Two passes take about ${s} s to read` },
);

const seconds = (ms: number): number => Math.ceil(ms / 1000);

/** Turn is the page that stands after a time, and how long it has stood. */
export interface Turn {
  page: number;
  since: number;
}

/** turnAt returns the turn after elapsed ms; the pages come again and again. */
export function turnAt(dwells: number[], elapsed: number): Turn {
  const once = dwells.reduce((sum, d) => sum + d, 0);
  let left = once > 0 ? elapsed % once : 0;
  for (let page = 0; page < dwells.length; page++) {
    const dwell = dwells[page] ?? 0;
    if (left < dwell) return { page, since: left };
    left -= dwell;
  }
  return { page: 0, since: 0 };
}

/** columnAt returns which column of the strip is at the zone's left edge, since ms after the page came up. */
export function columnAt(c: Pick<CrawlBody, "rate" | "step" | "width">, since: number): number {
  return Math.floor((since * c.rate) / 1000) * c.step - c.width;
}

function picture(png: string): Promise<HTMLImageElement> {
  const im = new Image();
  im.src = `data:image/png;base64,${png}`;
  return im.decode().then(() => im);
}

/** draw puts a page's pixels onto a canvas of the board's size. */
function draw(canvas: CanvasRenderingContext2D, still: HTMLImageElement, c: CrawlBody | undefined, strip: HTMLImageElement | undefined, since: number) {
  canvas.drawImage(still, 0, 0);
  if (!c || !strip) return;
  canvas.fillStyle = "#000";
  canvas.fillRect(c.x, c.y, c.width, c.height);
  canvas.save();
  canvas.beginPath();
  canvas.rect(c.x, c.y, c.width, c.height);
  canvas.clip();
  canvas.drawImage(strip, c.x - columnAt(c, since), c.y);
  canvas.restore();
}

/** Moving shows what a board of one size shows. It stands still until asked for those who want no motion. */
export function Moving({ of }: { of: PagesBody }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const playing = useSignal(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  const at = useSignal(0);
  const elapsed = useRef(0);
  useEffect(() => {
    elapsed.current = 0;
  }, [of]);
  useEffect(() => {
    let running = true;
    let request = 0;
    const dwells = of.pages.map((p) => p.dwell_ms);
    const show = async () => {
      const stills = await Promise.all(of.pages.map((p) => picture(p.png)));
      const strips = await Promise.all(of.pages.map((p) => (p.crawl ? picture(p.crawl.strip) : undefined)));
      const target = canvas.current?.getContext("2d");
      if (!running || !target) return;
      let last = performance.now();
      const step = (now: number) => {
        if (!running) return;
        if (playing.value) elapsed.current += now - last;
        last = now;
        const turn = turnAt(dwells, elapsed.current);
        const still = stills[turn.page];
        if (still) draw(target, still, of.pages[turn.page]?.crawl, strips[turn.page], turn.since);
        if (at.value !== turn.page) at.value = turn.page;
        if (playing.value) request = requestAnimationFrame(step);
      };
      step(last);
    };
    show().catch(() => undefined); // a picture that does not decode leaves the canvas dark
    return () => {
      running = false;
      cancelAnimationFrame(request);
    };
  }, [of, playing.value]);
  const page = of.pages[at.value];
  return (
    <div class="moving">
      <canvas ref={canvas} width={of.width} height={of.height} role="img" aria-label={page ? t().page(at.value + 1, of.pages.length, seconds(page.dwell_ms)) : ""} />
      <div class="row">
        <button type="button" class="button second" aria-pressed={playing.value} onClick={() => (playing.value = !playing.value)}>
          {playing.value ? t().pause : t().play}
        </button>
        <span>{t().reading(seconds(of.length_ms))}</span>
      </div>
    </div>
  );
}
