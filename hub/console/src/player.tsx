// The sound and the pages of a bulletin, as devices will have them.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { api, type BoardBody, type ContentBody } from "./api";
import { heard } from "./draft";
import { w } from "./state";
import { BoardFigure } from "./boardview";
import { Icon, Shown, useLoaded } from "./ui";

const minutes = (t: number): string => {
  const s = Math.round(t);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
};

/** whole says whether all but a blink of a sound has been listened to, in whatever order. */
function whole(audio: HTMLAudioElement): boolean {
  let sum = 0;
  for (let i = 0; i < audio.played.length; i++) sum += audio.played.end(i) - audio.played.start(i);
  return audio.duration > 0 && sum >= audio.duration - Math.max(0.5, audio.duration * 0.02);
}

/** Player plays the exact sound of a bulletin, or of as much of one as who is asked to take it may know; onHeard is called once all of it was listened to. */
export function Player({ bulletin: b, onHeard }: { bulletin: ContentBody; onHeard?: () => void }) {
  const audio = useRef<HTMLAudioElement>(null);
  const at = useSignal(0);
  const playing = useSignal(false);
  const total = (b.length_ms ?? 0) / 1000;
  const follow = () => {
    const a = audio.current;
    if (!a) return;
    at.value = a.currentTime;
    playing.value = !a.paused && !a.ended;
    if (b.sound && whole(a) && !heard.has(b.sound.digest)) {
      heard.add(b.sound.digest);
      onHeard?.();
    }
  };
  const toggle = () => {
    const a = audio.current;
    if (!a) return;
    if (a.paused) a.play().catch(follow);
    else a.pause();
  };
  return (
    <div class="player">
      <audio ref={audio} src={api.soundURL(b)} preload="metadata" onTimeUpdate={follow} onPlay={follow} onPause={follow} onEnded={follow} />
      <button type="button" class="button round" onClick={toggle} aria-label={playing.value ? w().pause : w().play}>
        <Icon name={playing.value ? "pause" : "play"} solid />
      </button>
      <input
        type="range"
        min={0}
        max={Math.max(1, Math.ceil(total))}
        step={1}
        value={at.value}
        aria-label={w().position}
        aria-valuetext={`${minutes(at.value)} / ${minutes(total)}`}
        onInput={(e) => {
          if (audio.current) audio.current.currentTime = Number(e.currentTarget.value);
        }}
      />
      <span class="clock">
        {minutes(at.value)} / {minutes(total)}
      </span>
    </div>
  );
}

const usual: BoardBody = { width: 192, height: 32, row: 16 };

/** Boards shows the very pixels of every size of board; the usual one if there is none. */
export function Boards({ bulletin: b }: { bulletin: ContentBody }) {
  const devices = useLoaded("devices", [], api.devicesNow);
  return (
    <>
      {/* What the pictures show, for who cannot see them. */}
      <p class="sr" lang={b.language}>{`${w().boardText}: ${b.board}`}</p>
      <Shown of={devices}>{(now) => (now.sizes.length ? now.sizes.slice(0, 4) : [usual]).map((s) => <Board key={`${s.width}x${s.height}x${s.row}`} bulletin={b} size={s} />)}</Shown>
    </>
  );
}

function Board({ bulletin: b, size }: { bulletin: ContentBody; size: BoardBody }) {
  const pages = useLoaded(`${b.id} ${b.changed}`, [], () => api.pages(b.id, size));
  return <Shown of={pages}>{(p) => <BoardFigure of={p} fields={{ title: b.title, body: b.board }} />}</Shown>;
}
