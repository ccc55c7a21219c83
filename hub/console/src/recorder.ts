// Recordings: what the microphone gives is written to this device second by
// second, and goes to the hub while it is recorded. A tab that is closed loses
// nothing: the next one goes on with the same recording, in a new part.
import { call } from "./call";
import { send } from "./uploads";
import type { UploadBody } from "./api";

/** A part of a recording, as it is kept. */
export interface Take {
  id: string;
  draft: string;
  mime: string;
  began: number;
  ms: number;
  /** url of its upload. */
  url?: string;
  /** digest, once the hub has all of it. */
  digest?: string;
}

const wanted = ["audio/webm;codecs=opus", "audio/mp4"];

/** type is what this browser records well: Safari's WebM cannot be trusted. */
export function type(): string {
  const safari = /^((?!chrome|android|crios|fxios).)*safari/i.test(navigator.userAgent);
  const order = safari ? [...wanted].reverse() : wanted;
  return order.find((t) => MediaRecorder.isTypeSupported(t)) ?? "";
}

/** canRecord is false where there is no microphone to ask for: pages that are not served securely have none. */
export const canRecord = (): boolean => typeof MediaRecorder !== "undefined" && Boolean(navigator.mediaDevices?.getUserMedia) && type() !== "";

function ask<T>(r: IDBRequest<T>): Promise<T> {
  return new Promise((yes, no) => {
    r.onsuccess = () => yes(r.result);
    r.onerror = () => no(r.error ?? new Error("no storage"));
  });
}

let base: Promise<IDBDatabase> | undefined;
function db(): Promise<IDBDatabase> {
  base ??= new Promise((yes, no) => {
    const r = indexedDB.open("loa", 1);
    r.onupgradeneeded = () => {
      r.result.createObjectStore("takes", { keyPath: "id" });
      r.result.createObjectStore("chunks"); // key: [take, number]
    };
    r.onsuccess = () => yes(r.result);
    r.onerror = () => no(r.error ?? new Error("no storage"));
  });
  return base;
}

async function store(name: "takes" | "chunks", mode: IDBTransactionMode = "readwrite"): Promise<IDBObjectStore> {
  return (await db()).transaction(name, mode).objectStore(name);
}

/** put keeps a part on this device. */
export const put = async (t: Take): Promise<void> => void (await ask((await store("takes")).put(t)));

/** takesOf lists the parts of a draft's recording, oldest first. */
export async function takesOf(draft: string): Promise<Take[]> {
  const all = await ask((await store("takes", "readonly")).getAll() as IDBRequest<Take[]>);
  return all.filter((t) => t.draft === draft).sort((a, b) => a.began - b.began);
}

const range = (id: string): IDBKeyRange => IDBKeyRange.bound([id, 0], [id, Infinity]);

/** drop throws the parts of a draft's recording away. */
export async function drop(draft: string): Promise<void> {
  for (const t of await takesOf(draft)) {
    await ask((await store("chunks")).delete(range(t.id)));
    await ask((await store("takes")).delete(t.id));
  }
}

const bytes = async (b: Blob): Promise<Uint8Array> => new Uint8Array(await b.arrayBuffer());

/** finish sends what the hub still lacks of a part that was broken off. */
export async function finish(t: Take): Promise<Take> {
  if (t.digest) return t;
  const chunks = await ask((await store("chunks", "readonly")).getAll(range(t.id)) as IDBRequest<Blob[]>);
  let at = 0;
  const read = async (): Promise<ReadableStreamReadResult<Uint8Array>> => {
    const c = chunks[at++];
    return c ? { done: false, value: await bytes(c) } : { done: true, value: undefined };
  };
  const go = (url?: string) => send({ read }, { name: t.id, url, began: (u) => void put({ ...t, url: u }) });
  const digest = await go(t.url).catch(() => {
    at = 0; // the hub has forgotten it: all of it once more
    return go();
  });
  const done = { ...t, digest };
  await put(done);
  return done;
}

/** A recording that is going on. */
export interface Recording {
  /** level is how loud it is now, 0 to 1. */
  level: () => number;
  /** elapsed is how long it has been going on, in ms. */
  elapsed: () => number;
  /** stop ends it; a part that the hub could not be sent has no digest yet, and is kept here. */
  stop: () => Promise<Take>;
}

/** Meter says how loud a stream is now, 0 to 1. */
export interface Meter {
  level: () => number;
  close: () => Promise<void>;
}

export function meterOf(stream: MediaStream): Meter {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level: () => {
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const s of samples) sum += s * s;
      return Math.min(1, Math.sqrt(sum / samples.length) * 4);
    },
    close: () => context.close(),
  };
}

/** microphone asks for the sound of speech. */
export const microphone = (): Promise<MediaStream> => navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: true, autoGainControl: true } });

/** record begins a part of a draft's recording. */
export async function record(draft: string): Promise<Recording> {
  const stream = await microphone();
  const mime = type();
  const began = Date.now();
  let take: Take = { id: `${began}-${draft}`, draft, mime, began, ms: 0 };
  await put(take);
  const media = new MediaRecorder(stream, { mimeType: mime, audioBitsPerSecond: 48_000 });
  const queue: Blob[] = [];
  let n = 0;
  let over = false;
  let wake: () => void = () => {};
  let written: Promise<unknown> = Promise.resolve();
  media.ondataavailable = (e) => {
    if (e.data.size === 0) return;
    const number = n++;
    take = { ...take, ms: Date.now() - began };
    written = written.then(async () => ask((await store("chunks")).put(e.data, [take.id, number]))).then(() => put(take));
    queue.push(e.data);
    wake();
  };
  const ended = new Promise<void>((done) => {
    media.onstop = () => {
      over = true;
      wake();
      done();
    };
  });
  const read = async (): Promise<ReadableStreamReadResult<Uint8Array>> => {
    for (;;) {
      const next = queue.shift();
      if (next) return { done: false, value: await bytes(next) };
      if (over) return { done: true, value: undefined };
      await new Promise<void>((r) => (wake = r));
    }
  };
  const sent = send({ read }, { name: take.id, began: (url) => (take = { ...take, url }) }).catch(() => "");
  const meter = meterOf(stream);
  media.start(500);
  return {
    elapsed: () => Date.now() - began,
    level: meter.level,
    stop: async () => {
      if (media.state !== "inactive") media.stop();
      await ended;
      await written;
      stream.getTracks().forEach((t) => t.stop());
      await meter.close();
      const digest = await sent;
      if (digest) {
        take = { ...take, digest };
        await put(take);
        return take;
      }
      return finish(take).catch(() => take);
    },
  };
}

/** whole returns the digest of a recording of one or more parts. */
export async function whole(takes: Take[]): Promise<string> {
  const parts = takes.map((t) => t.digest ?? "");
  if (parts.length === 1) return parts[0] ?? "";
  return (await call<UploadBody>("POST", "/uploads/join", { parts })).digest;
}
