// The hub's API as the console uses it. Every interface has the name and the
// fields of a schema in /api/openapi.json; a test of hub/api compares them.

export type Class = "normal" | "priority" | "emergency";
export type Role = "editor" | "approver" | "operator" | "administrator";

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  field?: string;
  detail_vi: string;
  detail_en: string;
  errors?: FieldError[];
}

export interface FieldError {
  field: string;
  rule: string;
}

export interface GrantBody {
  unit: string;
  role: Role;
}

export interface Me {
  id: string;
  name: string;
  grants: GrantBody[];
}

export interface Sentence {
  vi: string;
  en: string;
}

export interface UnitBody {
  id: string;
  code: string;
  name: string;
  kind: "province" | "commune" | "village";
  parent?: string;
  path: string[];
  valid_from: string;
  valid_until?: string;
  people?: number;
  source?: string;
  counted?: string;
}

export interface BoardBody {
  width: number;
  height: number;
  row: number;
}

export interface ShareBody {
  village: string;
  share: number;
  by?: string;
  on?: string;
}

export interface DeviceBody {
  id: string;
  name: string;
  unit: string;
  path: string[];
  sound: boolean;
  board?: BoardBody;
  tags: string[];
  serves: ShareBody[];
  created: string;
  enrolled?: string;
  revoked?: string;
  state: "waiting" | "never-heard" | "offline" | "online" | "revoked";
  last_heard?: string;
  clock_sure?: boolean;
  muted: boolean;
  playing?: string;
  missing: number;
  unacked: number;
  free: number;
  software?: string;
  faults: string[];
}

export interface SoundOptions {
  wanted?: boolean;
  voice?: "north" | "central" | "south";
  rate?: number;
  chime?: boolean;
  repeat?: number;
  title?: boolean;
  drill?: boolean;
}

export interface BulletinContent {
  unit: string;
  class: Class;
  title?: string;
  text?: string;
  board?: string;
  language?: string;
  options?: SoundOptions;
  upload?: string;
}

export interface Change {
  from: string;
  to: string;
}

export interface Rendition {
  digest: string;
  size: number;
  frames: number;
  loudness: number;
  true_peak: number;
  spoken?: string;
  changes?: Change[];
  doubts?: string[];
  findings?: string[];
}

export interface Wish {
  units: string[];
  when: "now" | "at" | "rule";
  start?: string;
  rule?: string;
  exdates?: string[];
  rdates?: string[];
  lateness?: number;
  order?: number;
  after_cut?: string;
  volume?: number;
  night?: boolean;
  night_reason?: string;
  last_day?: string;
  plays_per_day?: number;
  drill?: boolean;
  passes?: number;
  every?: number;
  validity?: number;
  replaces?: string;
}

export interface BulletinBody {
  id: string;
  work: string;
  revision: number;
  unit: string;
  class: Class;
  title: string;
  text: string;
  board: string;
  language: string;
  author: string;
  origin: "text" | "sound" | "drop" | "api";
  options: SoundOptions;
  state: "preparing" | "failed" | "ready" | "submitted" | "returned" | "approved";
  problem?: string;
  sound?: Rendition;
  length_ms?: number;
  wish?: Wish;
  digest?: string;
  created: string;
  changed: string;
  submitted?: string;
  upload?: string;
}

export interface UploadBody {
  digest: string;
  size: number;
}

export interface JobBody {
  id: string;
  subject: string;
  state: "waiting" | "running" | "done" | "failed";
  stage: string;
  fraction: number;
  problem?: string;
  problem_en?: string;
  attempts: number;
  changed: string;
}

export interface PageBody {
  dwell_ms: number;
  png: string;
}

export interface PagesBody {
  width: number;
  height: number;
  length_ms: number;
  pages: PageBody[];
  warnings: string[];
}

export interface SignatureBody {
  person: string;
  key: "hub-key" | "passkey";
  at: string;
}

export interface ApprovalBody {
  id: string;
  bulletin: BulletinBody;
  units: string[];
  first_day: string;
  last_day: string;
  plays_per_day: number;
  night: boolean;
  night_reason?: string;
  drill: boolean;
  needed: number;
  signed: string[];
  signatures: SignatureBody[];
  passkey: boolean;
  state: "open" | "approved" | "returned";
  created: string;
  consequence: Sentence;
}

export interface PreviewBody {
  sentence: Sentence;
  devices: number;
  speakers: number;
  boards: number;
  villages: number;
  people: number;
  starts: string[];
  warnings: Sentence[];
}

export interface AiringBody {
  id: string;
  bulletin: string;
  title: string;
  approval: string;
  class: Class;
  drill?: boolean;
  units: string[];
  start: string;
  rule?: string;
  first: string;
  last: string;
  length_ms: number;
  published: string;
  withdrawn?: string;
  volume: number;
  next?: string;
  on_air: boolean;
}

export interface StopBody {
  id: string;
  unit: string;
  airing?: string;
  at: string;
}

export interface LineBody {
  airing: string;
  device: string;
  medium: "sound" | "board";
  start: string;
  outcome: "played" | "cut" | "skipped" | "lost" | "unknown" | "ahead";
  reason?: string;
  proof?: string;
  began?: string;
  ended?: string;
  frames?: number;
  voice?: string;
}

export interface VillageBody {
  unit: string;
  name: string;
  people: number;
  reached: number;
  unknown: number;
}

export interface ReachBody {
  expected: number;
  played: number;
  cut: number;
  skipped: number;
  unknown: number;
  ahead: number;
  people: number;
  reached: number;
  maybe: number;
  villages: VillageBody[];
  lines: LineBody[];
}

// end of what the test compares

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

const prefix = "/api/v1";

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

async function refused(r: Response): Promise<Refusal> {
  try {
    const p = (await r.json()) as Problem;
    return new Refusal(r.status, { vi: p.detail_vi, en: p.detail_en }, p.code, p.field ?? "");
  } catch {
    return new Refusal(r.status, odd, "odd", "");
  }
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    init.headers = { Accept: "application/json", "Content-Type": "application/json" };
    init.body = JSON.stringify(body);
  }
  const r = await fetch(prefix + path, init);
  if (!r.ok) throw await refused(r);
  return (r.status === 204 ? undefined : await r.json()) as T;
}

const id = encodeURIComponent;

/** upload sends a file as it is and tells how far it has come, 0 to 1. */
function upload(file: File, tell: (done: number) => void): Promise<UploadBody> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open("POST", `${prefix}/uploads?name=${id(file.name.normalize("NFC").slice(0, 100))}`);
    x.setRequestHeader("Content-Type", "application/octet-stream");
    x.responseType = "text";
    x.upload.onprogress = (e) => tell(e.lengthComputable ? e.loaded / e.total : 0);
    x.onerror = () => reject(new Refusal(0, away, "away", ""));
    x.onload = () => {
      try {
        const answer: unknown = JSON.parse(x.responseText);
        if (x.status < 300) return resolve(answer as UploadBody);
        const p = answer as Problem;
        reject(new Refusal(x.status, { vi: p.detail_vi, en: p.detail_en }, p.code, p.field ?? ""));
      } catch {
        reject(new Refusal(x.status, odd, "odd", ""));
      }
    };
    x.send(file);
  });
}

export const api = {
  me: () => call<Me>("GET", "/sessions"),
  logIn: (user: string, password: string) => call<Me>("POST", "/sessions", { user, password }),
  logOut: () => call<void>("DELETE", "/sessions"),
  units: () => call<UnitBody[]>("GET", "/units"),
  devices: () => call<DeviceBody[]>("GET", "/devices"),
  bulletins: () => call<BulletinBody[]>("GET", "/bulletins"),
  bulletin: (b: string) => call<BulletinBody>("GET", `/bulletins/${id(b)}`),
  previous: (b: string) => call<BulletinBody>("GET", `/bulletins/${id(b)}/previous`),
  create: (c: BulletinContent) => call<BulletinBody>("POST", "/bulletins", c),
  edit: (b: string, c: BulletinContent) => call<BulletinBody>("PUT", `/bulletins/${id(b)}`, c),
  job: (b: string) => call<JobBody>("GET", `/bulletins/${id(b)}/job`),
  retry: (j: string) => call<JobBody>("POST", `/jobs/${id(j)}/retry`),
  pages: (b: string, size: BoardBody) => call<PagesBody>("GET", `/bulletins/${id(b)}/pages?width=${size.width}&height=${size.height}&row=${size.row}`),
  soundURL: (b: BulletinBody) => `${prefix}/bulletins/${id(b.id)}/sound`,
  upload,
  preview: (b: string, w: Wish) => call<PreviewBody>("POST", `/bulletins/${id(b)}/preview`, w),
  submit: (b: string, w: Wish) => call<ApprovalBody>("POST", `/bulletins/${id(b)}/submit`, w),
  approvals: () => call<ApprovalBody[]>("GET", "/approvals"),
  approval: (a: string) => call<ApprovalBody>("GET", `/approvals/${id(a)}`),
  approve: (a: string, password: string) => call<ApprovalBody>("POST", `/approvals/${id(a)}/approve`, { password }),
  giveBack: (a: string, reason: string) => call<void>("POST", `/approvals/${id(a)}/return`, { reason }),
  airings: (since?: Date) => call<AiringBody[]>("GET", "/airings" + (since ? `?since=${id(since.toISOString())}` : "")),
  again: (approval: string, wish: Wish) => call<AiringBody>("POST", "/airings", { approval, wish }),
  withdraw: (a: string) => call<void>("DELETE", `/airings/${id(a)}`),
  reach: (b: string) => call<ReachBody>("GET", `/bulletins/${id(b)}/reach`),
  stop: (scope: { unit?: string; airing?: string }) => call<StopBody[]>("POST", "/stops", scope),
  takeBack: (s: string) => call<AiringBody[]>("POST", `/stops/${id(s)}/take-back`),
};
