// Speaking live, within what was approved: the microphone goes to the hub a second
// at a time, and from there to the devices that the approval names.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { call, pause, prefix, refused } from "../call";
import { api, refusalOf, type AiringBody, type BulletinBody, type RelayEvent } from "../api";
import { canRecord, meterOf, microphone, type, type Meter } from "../recorder";
import { dictionary, failed, trouble, unitName, w } from "../state";
import { clockExact, length, when } from "../time";
import { Card, Foot, Icon, Note, Say, Shown, Tag, Title, useLoaded } from "../ui";

const t = dictionary(
  {
    title: "Phát trực tiếp", speak: "BẮT ĐẦU NÓI", end: "THÔI NÓI", on: (x: string) => `Đang nói trực tiếp: ${x}. Loa phát sau khoảng hai giây.`, from: (x: string) => `Nói được từ ${x}; mở micro trước một phút.`, wait: "Micro đã mở, chờ loa nhận: đừng nói vội.", over: "Chưa có lịch phát, hoặc đã hết giờ.", now: "Đang trong giờ phát.", level: "Độ lớn của tiếng", note: "Loa tự ngắt khi hết giờ đã duyệt. Im lặng quá lâu thì loa chuyển sang mục kế tiếp.", late: "Mạng chậm: tiếng đang chờ gửi.",
    events: "Điều xảy ra với luồng tiếng", none: "Chưa có gì.", what: { began: "Bắt đầu nhận luồng tiếng", lost: "Mất luồng tiếng; loa chuyển sang bản dự phòng hoặc mục kế tiếp", "dead-air": "Im lặng quá lâu; loa chuyển sang bản dự phòng hoặc mục kế tiếp", restored: "Luồng tiếng trở lại", ended: "Kết thúc" } as Record<RelayEvent["what"], string>,
  },
  {
    title: "Speak live", speak: "BEGIN TO SPEAK", end: "END", on: (x: string) => `Live: ${x}. Heard about two seconds later.`, from: (x: string) => `You can speak from ${x}, and open the microphone a minute before.`, wait: "The microphone is open; wait until the devices listen.", over: "Nothing is scheduled, or its time is over.", now: "Within its time.", level: "Loudness", note: "Devices end it with the time that was approved. After long silence they go on to what is next.", late: "A slow line: sound is waiting to be sent.",
    events: "What happened to the stream", none: "Nothing yet.", what: { began: "The stream began", lost: "The stream was lost; devices go to the stand-in or to what is next", "dead-air": "Silent for too long; devices go to the stand-in or to what is next", restored: "The stream is back", ended: "The end" } as Record<RelayEvent["what"], string>,
  },
);

/** Events is what happened to a relay's stream, newest first. */
export function Events({ bulletin }: { bulletin: string }) {
  const events = useLoaded(bulletin, ["relay", "airing"], () => call<RelayEvent[]>("GET", `/relays/${bulletin}/events`));
  return (
    <Card title={t().events}>
      <Shown of={events}>
        {(list) =>
          list.length === 0 ? (
            <p class="quiet">{t().none}</p>
          ) : (
            <ul class="rows">
              {list.slice(0, 50).map((e) => (
                <li key={e.at + e.what} class="row">
                  <b>{t().what[e.what]}</b>
                  <Tag tone={e.what === "lost" || e.what === "dead-air" ? "bad" : e.what === "ended" ? "" : "good"}>{clockExact(e.at)}</Tag>
                  <span class="quiet">{when(e.at)}</span>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </Card>
  );
}

export function Live({ id }: { id: string }) {
  const bulletin = useLoaded(id, ["bulletin"], () => api.bulletin(id));
  const airings = useLoaded("airings", ["airing", "bulletin", "device"], () => api.airings());
  const airing = airings.data?.find((a) => a.bulletin === id && !a.withdrawn);
  // Nobody tells that an hour has come.
  useEffect(() => {
    if (airing?.on_air) return;
    const timer = setInterval(airings.again, 2000);
    return () => clearInterval(timer);
  }, [airing?.on_air]);
  return (
    <Shown of={bulletin}>
      {(b) => (
        <>
          <Title back="/tiep-song">{t().title}</Title>
          <p class="lead">{b.title}</p>
          <Shown of={airings}>{() => <Speaker b={b} airing={airing} />}</Shown>
        </>
      )}
    </Shown>
  );
}

/** Speech is what is being said. */
interface Speech {
  meter: Meter;
  began: () => number; // ms since 1970; 0 while the hub does not listen yet
  waiting: () => number; // bytes that are not sent yet
  stop: () => void;
}

/** speak sends the microphone to a session until it is stopped; onEnd hears of a failure. */
async function speak(bulletin: string, onEnd: (e: unknown) => void): Promise<Speech> {
  const stream = await microphone();
  const media = new MediaRecorder(stream, { mimeType: type(), audioBitsPerSecond: 48_000 });
  const meter = meterOf(stream);
  let queue: Blob[] = [];
  let sending = false;
  let over = false;
  let began = 0;
  const post = async (body: Blob): Promise<void> => {
    const r = await fetch(`${prefix}/relays/${bulletin}/sound`, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body });
    if (!r.ok) throw await refused(r);
  };
  const stop = () => {
    if (over) return;
    over = true;
    if (media.state !== "inactive") media.stop();
    stream.getTracks().forEach((x) => x.stop());
    void meter.close();
  };
  const send = async () => {
    if (sending) return;
    sending = true;
    try {
      // One after the other: what has come meanwhile goes together.
      while (queue.length) {
        const body = new Blob(queue, { type: media.mimeType });
        queue = [];
        await post(body);
      }
    } catch (e) {
      stop();
      onEnd(e);
    } finally {
      sending = false;
    }
  };
  media.ondataavailable = (e) => {
    if (!e.data.size) return;
    queue.push(e.data);
    void send();
  };
  // What is said before the hub listens would come late for good: it is not recorded.
  const open = async () => {
    while (!over) {
      try {
        await post(new Blob([]));
        if (over) return;
        began = Date.now();
        return media.start(500);
      } catch (e) {
        if (refusalOf(e).code !== "not-live") {
          stop();
          return onEnd(e);
        }
        await pause(500);
      }
    }
  };
  void open();
  return { meter, began: () => began, waiting: () => queue.reduce((n, x) => n + x.size, 0), stop };
}

function Speaker({ b, airing }: { b: BulletinBody; airing: AiringBody | undefined }) {
  const speech = useSignal<Speech | null>(null);
  const shown = useSignal({ ms: 0, level: 0, late: false });
  const refused_ = useSignal(false);
  const running = useRef<Speech | null>(null);
  const end = () => {
    running.current?.stop();
    running.current = speech.value = null;
  };
  useEffect(() => end, []);
  useEffect(() => {
    const s = speech.value;
    if (!s) return;
    const timer = setInterval(() => (shown.value = { ms: s.began() ? Date.now() - s.began() : 0, level: s.meter.level(), late: s.waiting() > 24_000 }), 100);
    return () => clearInterval(timer);
  }, [speech.value]);
  const begin = async () => {
    refused_.value = false;
    trouble.value = null;
    try {
      running.current = speech.value = await speak(b.id, (e) => {
        running.current = speech.value = null;
        failed(e);
      });
    } catch {
      refused_.value = true;
    }
  };
  const on = speech.value !== null;
  const near = airing !== undefined && (airing.on_air || (airing.next !== undefined && Date.parse(airing.next) - Date.now() < 60_000));
  if (!canRecord()) return <Note tone="warn">{w().noMicrophone}</Note>;
  return (
    <>
      <Card tone={on ? "live" : ""}>
        <p role="status" aria-live={on && shown.value.ms ? "off" : "polite"}>{on ? (shown.value.ms ? t().on(length(shown.value.ms)) : t().wait) : airing?.on_air ? t().now : airing?.next ? t().from(when(airing.next)) : t().over}</p>
        {airing && <p class="quiet">{airing.units.map(unitName).join(", ")}</p>}
        {on && (
          <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label={t().level}>
            <rect class="rest" width="100" height="4" />
            <rect class="sure" width={Math.round(shown.value.level * 100)} height="4" />
          </svg>
        )}
        {on && shown.value.late && <Note tone="warn">{t().late}</Note>}
        {refused_.value && <Note tone="bad">{w().microphoneRefused}</Note>}
        <p class="hint">{t().note}</p>
      </Card>
      <Events bulletin={b.id} />
      <Foot>
        <Say refusal={trouble.value} />
        <button type="button" class={on ? "button danger wide" : "button wide"} disabled={!on && !near} onClick={() => (on ? end() : void begin())}>
          <Icon name={on ? "stop" : "mic"} solid={on} />
          {on ? t().end : t().speak}
        </button>
      </Foot>
    </>
  );
}
