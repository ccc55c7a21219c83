// Requests to the hub and its refusals.
import type { Sentence } from "./types";

/** What a refusal's body holds (RFC 9457, with the sentence in both languages). */
interface Problem {
  code: string;
  field?: string;
  detail_vi: string;
  detail_en: string;
}

/** What the hub, or the way to it, says when something cannot be done. */
export class Refusal extends Error {
  constructor(
    readonly status: number, // 0: the hub was not reached
    readonly said: Sentence,
    readonly code: string,
    readonly field: string,
  ) {
    super(said.en);
  }
}

export const prefix = "/api/v1";

const away: Sentence = {
  vi: "Không kết nối được với trung tâm. Hãy kiểm tra mạng rồi thử lại.",
  en: "The hub cannot be reached. Check the network and try again.",
};
const odd: Sentence = {
  vi: "Trung tâm trả lời không đọc được. Hãy thử lại; nếu vẫn vậy, báo quản trị viên.",
  en: "The hub's answer cannot be read. Try again; if it persists, tell the administrator.",
};

/** refusalOf turns any failure into a Refusal. */
export function refusalOf(e: unknown): Refusal {
  return e instanceof Refusal ? e : new Refusal(0, away, "away", "");
}

export async function refused(r: Response): Promise<Refusal> {
  try {
    const p = (await r.json()) as Problem;
    return new Refusal(r.status, { vi: p.detail_vi, en: p.detail_en }, p.code, p.field ?? "");
  } catch {
    return new Refusal(r.status, odd, "odd", "");
  }
}

/** missing is for what need not be there: a hub that has no such thing gives undefined, any other failure stays one. */
export function missing(e: unknown): undefined {
  if (e instanceof Refusal && e.status === 404) return undefined;
  throw e;
}

const early = new Map<string, Promise<Response>>();

/** ahead asks for something that is about to be wanted, while its screen is still on the way; the next call takes that answer. */
export function ahead(path: string): void {
  if (early.has(path)) return;
  const answer = fetch(prefix + path);
  answer.catch(() => undefined); // said to whoever wants it
  early.set(path, answer);
  setTimeout(() => early.delete(path), 10_000);
}

/** call makes one request. A key makes it safe to repeat: the hub does it once and answers the same again. */
export async function call<T>(method: string, path: string, body?: unknown, key?: string): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const init: RequestInit = { method, headers };
  if (key) headers["Idempotency-Key"] = key;
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const begun = method === "GET" ? early.get(path) : undefined;
  early.delete(path);
  const r = await (begun ?? fetch(prefix + path, init));
  if (!r.ok) throw await refused(r);
  return (r.status === 204 ? undefined : await r.json()) as T;
}

/** newKey is a fresh key of 128 bits; also where the page is not served securely. */
export const newKey = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

export const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/** once is call for what must not happen twice: over a broken line it is tried again with the same key. */
export async function once<T>(method: string, path: string, body?: unknown): Promise<T> {
  const key = newKey();
  for (const wait of [700, 2500]) {
    try {
      return await call<T>(method, path, body, key);
    } catch (e) {
      if (e instanceof Refusal) throw e;
      await pause(wait);
    }
  }
  return call<T>(method, path, body, key);
}

