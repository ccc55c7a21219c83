// The calls of the hub's API that several screens share. types.ts is written
// from the API's own document.
import { call, once, prefix } from "./call";
import type { AiringBody, ApprovalBody, ApproveInputBody, BoardBody, BulletinBody, BulletinContent, DeviceBody, DevicesNow, DraftBody, JobBody, Me, PagesBody, PreviewBody, ProgrammeBody, ReachBody, ReadingBody, SilentVillage, StopBody, TrialBody, UnitBody, WaysBody, Wish } from "./types";

export { Refusal, refusalOf } from "./call";
export type * from "./types";
export type Class = BulletinBody["class"];
export type Role = Me["grants"][number]["role"];

const id = encodeURIComponent;

export const api = {
  me: () => call<Me>("GET", "/sessions"),
  logIn: (user: string, password: string, code?: string) => call<Me>("POST", "/sessions", { user, password, ...(code ? { code } : {}) }),
  ways: () => call<WaysBody>("GET", "/log-in"),
  logOut: () => call<void>("DELETE", "/sessions"),
  units: () => call<UnitBody[]>("GET", "/units"),
  devices: () => call<DeviceBody[]>("GET", "/devices"),
  devicesNow: () => call<DevicesNow>("GET", "/devices-now"),
  silent: () => call<SilentVillage[]>("GET", "/silent-villages"),
  drafts: () => call<DraftBody[]>("GET", "/drafts"),
  bulletins: () => call<BulletinBody[]>("GET", "/bulletins"),
  bulletin: (b: string) => call<BulletinBody>("GET", `/bulletins/${id(b)}`),
  previous: (b: string) => call<BulletinBody>("GET", `/bulletins/${id(b)}/previous`),
  create: (c: BulletinContent) => once<BulletinBody>("POST", "/bulletins", c),
  /** edit is of an edition; what somebody else has written since is not overwritten. */
  edit: (b: string, c: BulletinContent, seen: string) => call<BulletinBody>("PUT", `/bulletins/${id(b)}?seen=${id(seen)}`, c),
  job: (b: string) => call<JobBody>("GET", `/bulletins/${id(b)}/job`),
  retry: (j: string) => call<JobBody>("POST", `/jobs/${id(j)}/retry`),
  pages: (b: string, size: BoardBody) => call<PagesBody>("GET", `/bulletins/${id(b)}/pages?width=${size.width}&height=${size.height}&row=${size.row}`),
  reading: (t: TrialBody) => call<ReadingBody>("POST", "/readings", t),
  originalURL: (b: BulletinBody) => `${prefix}/bulletins/${id(b.id)}/sound/original`,
  growingURL: (b: BulletinBody) => `${prefix}/bulletins/${id(b.id)}/sound/growing`,
  soundURL: (b: { id: string }) => `${prefix}/bulletins/${id(b.id)}/sound`,
  preview: (b: string, w: Wish) => call<PreviewBody>("POST", `/bulletins/${id(b)}/preview`, w),
  submit: (b: string, w: Wish) => once<ApprovalBody>("POST", `/bulletins/${id(b)}/submit`, w),
  programmes: () => call<ProgrammeBody[]>("GET", "/programmes"),
  approvals: () => call<ApprovalBody[]>("GET", "/approvals"),
  approval: (a: string) => call<ApprovalBody>("GET", `/approvals/${id(a)}`),
  approve: (a: string, by: ApproveInputBody) => call<ApprovalBody>("POST", `/approvals/${id(a)}/approve`, by),
  giveBack: (a: string, reason: string) => call<void>("POST", `/approvals/${id(a)}/return`, { reason }),
  airings: (since?: Date) => call<AiringBody[]>("GET", "/airings" + (since ? `?since=${id(since.toISOString())}` : "")),
  again: (approval: string, wish: Wish) => once<AiringBody>("POST", "/airings", { approval, wish }),
  withdraw: (a: string) => call<void>("DELETE", `/airings/${id(a)}`),
  reach: (b: string) => call<ReachBody>("GET", `/bulletins/${id(b)}/reach`),
  stop: (scope: { unit?: string; airing?: string }) => once<StopBody[]>("POST", "/stops", scope),
  takeBack: (s: string) => call<AiringBody[]>("POST", `/stops/${id(s)}/take-back`),
};
