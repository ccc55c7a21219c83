// The bodies of the hub's API, written from its document by
// `go test ./hub/api -run TestConsoleTypes -update`; not by hand.

export interface AddDeviceInputBody {
  board?: BoardBody;
  id: string;
  name: string;
  registrar_password: string;
  serves?: ShareBody[];
  sound: boolean;
  tags?: string[];
  unit: string;
}

export interface AddUserInputBody {
  grants: GrantBody[];
  id: string;
  name: string;
  one_time?: boolean;
  password: string;
  registrar_password?: string;
}

export interface AgainInputBody {
  approval: string;
  wish: Wish;
}

export interface AiringBody {
  approval: string;
  bulletin: string;
  class: "normal" | "priority" | "emergency";
  drill?: boolean;
  first: string;
  id: string;
  last: string;
  length_ms: number;
  next?: string;
  on_air: boolean;
  published: string;
  rule?: string;
  start: string;
  title: string;
  units: string[];
  volume: number;
  withdrawn?: string;
}

export interface AlertBody {
  closed?: string;
  device: string;
  first?: number;
  id: number;
  kind: "silent" | "conflict" | "gap" | "lost" | "ahead" | "fault" | "board" | "ended";
  last?: number;
  raised: string;
  reason?: string;
  seen?: string;
  seen_by?: string;
  seen_by_name?: string;
  since: string;
  subject?: string;
  text_en: string;
  text_vi: string;
}

export interface AllClearInputBody {
  bulletin: string;
}

export interface AnswerBody {
  accepted: boolean;
  at: string;
  by?: string;
  by_name?: string;
  unit: string;
}

export interface AnswerInputBody {
  accept: boolean;
}

export interface ApprovalBody {
  bulletin: BulletinBody;
  consequence: Sentence;
  created: string;
  drill: boolean;
  first_day: string;
  id: string;
  last_day: string;
  needed: number;
  night: boolean;
  night_reason?: string;
  passkey: boolean;
  plays_per_day: number;
  signatures: SignatureBody[];
  signed: string[];
  state: "open" | "approved" | "returned";
  units: string[];
}

export interface ApproveInputBody {
  assertion?: AssertionBody;
  password?: string;
}

export interface ApproverBody {
  classes: string[];
  for?: string;
  from: string;
  key: "hub-key" | "passkey";
  name: string;
  now: boolean;
  person: string;
  until: string;
}

export interface ApproversBody {
  expires: string;
  issued: string;
  number: number;
  passkeys: string[];
  people: ApproverBody[];
  unit: string;
}

export interface AskPasskeyInputBody {
  password?: string;
  user?: string;
}

export interface AskedBody {
  number: number;
}

export interface AskedOutputBody {
  options: Record<string, unknown>;
  ticket: string;
}

export interface AssertionBody {
  authenticator_data: string;
  client_data: string;
  credential_id: string;
  signature: string;
}

export interface Beat {
  at: string;
}

export interface BoardBody {
  height: number;
  row: number;
  width: number;
}

export interface BulletinBody {
  author: string;
  author_name: string;
  board: string;
  board_zone?: "header" | "ticker";
  changed: string;
  class: "normal" | "priority" | "emergency";
  created: string;
  digest?: string;
  edition: string;
  id: string;
  language: string;
  layout: "notice" | "two-line" | "ticker" | "picture" | "emergency" | "drill";
  length_ms?: number;
  options: SoundOptions;
  origin: "text" | "sound" | "drop" | "api";
  picture?: PictureBody;
  problem?: string;
  relay?: RelayBody;
  revision: number;
  sound?: Rendition;
  state: "preparing" | "failed" | "ready" | "submitted" | "returned" | "approved";
  submitted?: string;
  text: string;
  title: string;
  unit: string;
  upload?: string;
  wish?: Wish;
  work: string;
}

export interface BulletinContent {
  board?: string;
  board_zone?: "header" | "ticker";
  class: "normal" | "priority" | "emergency";
  language?: string;
  layout?: "notice" | "two-line" | "ticker" | "picture";
  options?: SoundOptions;
  picture?: string;
  text?: string;
  title?: string;
  unit: string;
  upload?: string;
}

export interface Change {
  from: string;
  to: string;
}

export interface CheckedBody {
  at: string;
  checkpoints: number;
  problems: string[];
  records: number;
  unsigned: number;
}

export interface ClaimBody {
  claim: string;
  device: string;
  expires: string;
  qr: string;
}

export interface ClaimInputBody {
  device: string;
}

export interface CodeInputBody {
  code: string;
}

export interface ContentBody {
  board: string;
  changed: string;
  id: string;
  language: string;
  length_ms?: number;
  sound?: Rendition;
  title: string;
}

export interface CrawlBody {
  frames: number;
  height: number;
  rate: number;
  step: number;
  strip: string;
  width: number;
  x: number;
  y: number;
}

export interface CredentialBody {
  id: string;
  type: "public-key";
}

export interface DayBody {
  day: string;
  holiday?: Sentence;
  lunar: string;
}

export interface DemandBody {
  in_force: string[];
  roles: string[];
}

export interface DemandInputBody {
  classes: string[];
  registrar_password: string;
}

export interface DeputyInputBody {
  classes?: string[];
  for: string;
  from: string;
  person: string;
  registrar_password: string;
  through: string;
}

export interface DeviceBody {
  board?: BoardBody;
  board_reported?: BoardBody;
  board_zones?: ZoneBody[];
  clock_sure?: boolean;
  created: string;
  ended_at_board?: EndedBody[];
  enrolled?: string;
  faults: string[];
  free: number;
  id: string;
  last_heard?: string;
  light?: number;
  missing: number;
  muted: boolean;
  name: string;
  path: string[];
  play?: PlayBody;
  playing?: string;
  revoked?: string;
  serves: ShareBody[];
  software?: string;
  sound: boolean;
  state: "waiting" | "never-heard" | "offline" | "online" | "revoked";
  tags: string[];
  tone?: ToneBody;
  unacked: number;
  unit: string;
}

export interface DeviceImportBody {
  added: number;
  lines: DeviceLineBody[];
}

export interface DeviceImportInputBody {
  claims?: boolean;
  dry: boolean;
  file: string;
  registrar_password?: string;
}

export interface DeviceLineBody {
  board?: BoardBody;
  claim?: string;
  id: string;
  name: string;
  sound: boolean;
  unit: string;
}

export interface DeviceTable {
  all: number;
  flags: number[];
  heard: number[];
  ids: string[];
  names: string[];
  online: number;
  state: number[];
  unit: number[];
  units: string[];
}

export interface DevicesNow {
  all: number;
  boards: number;
  online: number;
  sizes: BoardBody[];
  trouble: number;
  worst: DeviceBody[];
}

export interface DisableInputBody {
  registrar_password?: string;
}

export interface DoubtBody {
  from: string;
  options: string[];
  said: string;
  why: string;
}

export interface DraftBody {
  changed: string;
  content?: Record<string, unknown>;
  id: string;
  title: string;
}

export interface DraftInputBody {
  day?: string;
  id?: string;
  programme: ProgrammeContent;
  village: string;
}

export interface EndDeputyInputBody {
  person: string;
  registrar_password: string;
}

export interface EndSecondInputBody {
  password: string;
}

export interface EndedBody {
  airing: string;
  at: string;
}

export interface EnrolmentBody {
  address: string;
  picture: string;
  secret: string;
}

export interface ErrorDetail {
  location?: string;
  message?: string;
  value?: unknown;
}

export interface FieldError {
  field: string;
  rule: string;
}

export interface FindingBody {
  en: string;
  field?: "title" | "body" | "sender" | "picture";
  letter?: string;
  position: number;
  problem: "missing" | "invisible" | "broken" | "paged" | "no room" | "slow";
  vi: string;
}

export interface FinishPasskeyInputBody {
  credential: Record<string, unknown>;
  name: string;
  registration: string;
}

export interface ForecastBody {
  day: string;
  lines: ForecastLine[];
  warnings: Sentence[];
}

export interface ForecastLine {
  airing?: string;
  begins?: string;
  ends?: string;
  item?: number;
  note?: Sentence;
  outcome: "played" | "cut" | "skipped";
  programme?: string;
  reason?: string;
  stand_in?: boolean;
  start: string;
  title: string;
  unit: string;
}

export interface GrantBody {
  role: "editor" | "approver" | "operator" | "administrator" | "auditor" | "technician";
  unit: string;
}

export interface GroupBody {
  accept?: boolean;
  by: string;
  by_name: string;
  created: string;
  id: string;
  members: string[];
  name: string;
  names: NamedUnit[];
  unit: string;
}

export interface GroupContent {
  accept?: boolean;
  members: string[];
  name: string;
  unit: string;
}

export interface HoursBody {
  from: number;
  percent: number;
  to: number;
}

export interface IdentityBody {
  name: string;
}

export interface ImportBody {
  added: number;
  changed: number;
  cleaned: number;
  counted: number;
  dangling: number;
  lines: Parsed[];
  moved: number;
  same: number;
}

export interface ImportInputBody {
  below?: string;
  dry: boolean;
  file: string;
  registrar_password?: string;
  valid_from?: string;
}

export interface ItemBody {
  after_cut?: "restart" | "resume" | "drop";
  bulletin: string;
  kind: "opening" | "bulletin" | "relay" | "silence" | "closing";
  stand_in?: boolean;
}

export interface JobBody {
  attempts: number;
  changed: string;
  fraction: number;
  id: string;
  problem?: string;
  problem_en?: string;
  stage: string;
  state: "waiting" | "running" | "done" | "failed";
  subject: string;
}

export interface JoinInputBody {
  parts: string[];
}

export interface LightBody {
  at: string;
  lux: number;
}

export interface LimitsBody {
  light: HoursBody[];
  volume: HoursBody[];
}

export interface LineBody {
  airing: string;
  began?: string;
  device: string;
  ended?: string;
  ended_at_board?: string;
  frames?: number;
  lit?: boolean;
  medium: "sound" | "board";
  outcome: "played" | "cut" | "skipped" | "lost" | "unknown" | "ahead";
  proof?: string;
  reason?: string;
  seen?: "photo" | "camera" | "light";
  seen_at?: string;
  seen_by?: string;
  seen_by_name?: string;
  start: string;
  voice?: string;
}

export interface LogInInputBody {
  code?: string;
  password: string;
  user: string;
}

export interface MapBody {
  geojson: string;
}

export interface Me {
  due?: "password" | "second-factor";
  grants: GrantBody[];
  id: string;
  name: string;
}

export interface MuteInputBody {
  muted: boolean;
}

export interface NamedUnit {
  id: string;
  name: string;
}

export interface NewTokenBody {
  created: string;
  expires: string;
  id: string;
  name: string;
  revoked?: string;
  scope: "all" | "read";
  secret: string;
}

export interface NewTokenInputBody {
  days: number;
  name: string;
  scope?: "all" | "read";
}

export interface Notice {
  id?: string;
  kind: string;
}

export interface Over {
  at: string;
}

export interface PageBody {
  crawl?: CrawlBody;
  digest: string;
  dwell_ms: number;
  png: string;
}

export interface PagesBody {
  findings: FindingBody[];
  height: number;
  length_ms: number;
  pages: PageBody[];
  row: number;
  warnings: string[];
  width: number;
}

export interface Parsed {
  code: string;
  id: string;
  kind: string;
  name: string;
  parent: string;
  people: number;
}

export interface PasskeyBody {
  confirmed?: string;
  created: string;
  id: string;
  log_in: boolean;
  name: string;
  person: string;
  person_name: string;
  revoked?: string;
  state: "waiting" | "confirmed" | "revoked";
  synced: boolean;
}

export interface PasskeyLogInInputBody {
  on: boolean;
  password: string;
}

export interface PasswordInputBody {
  old_password?: string;
  one_time?: boolean;
  password: string;
  registrar_password?: string;
}

export interface PictureBody {
  digest: string;
  height: number;
  size: number;
  width: number;
}

export interface PlaceBody {
  name: string;
  registrar_password: string;
  serves?: ShareBody[];
  tags?: string[];
  unit: string;
}

export interface PlayBody {
  length_ms: number;
  position_ms: number;
  volume: number;
}

export interface PreviewBody {
  boards: number;
  devices: number;
  people: number;
  quiet: boolean;
  sentence: Sentence;
  speakers: number;
  starts: string[];
  villages: number;
  warnings: Sentence[];
}

export interface ProgrammeBody {
  asked: string[];
  by: string;
  by_name: string;
  changed: string;
  contents?: ContentBody[];
  created: string;
  deadline?: string;
  effective: string;
  group?: string;
  id: string;
  items: ItemBody[];
  name: string;
  next?: string;
  revision: number;
  slot: SlotBody;
  titles?: string[];
  unit: string;
  unit_name: string;
  units?: string[];
  volume?: number;
  withdrawn?: string;
}

export interface ProgrammeContent {
  deadline?: string;
  group?: string;
  items: ItemBody[];
  name: string;
  slot: SlotBody;
  unit: string;
  units?: string[];
  volume?: number;
}

export interface PronunciationBody {
  said: string;
  written: string;
}

export interface ProvePasskeyInputBody {
  credential: Record<string, unknown>;
  ticket: string;
}

export interface ProviderBody {
  name: string;
  path: string;
}

export interface QuestionBody {
  allowCredentials: CredentialBody[];
  challenge: string;
  rpId: string;
  timeout: number;
  userVerification: "required";
}

export interface QuietBody {
  end: string;
  start: string;
}

export interface ReachBody {
  ahead: number;
  cut: number;
  expected: number;
  lines: LineBody[];
  maybe: number;
  people: number;
  played: number;
  reached: number;
  skipped: number;
  unknown: number;
  villages: VillageBody[];
}

export interface ReadingBody {
  board: string;
  doubts: DoubtBody[];
  places: SpotBody[];
  words: string;
}

export interface RecordBody {
  about?: string;
  about_name?: string;
  act: string;
  address?: string;
  after?: ValueBody[];
  at: string;
  before?: ValueBody[];
  erased?: boolean;
  person?: string;
  person_name?: string;
  personal?: ValueBody[];
  previous: string;
  seq: number;
  subject?: string;
  subject_name?: string;
  unit?: string;
  via?: string;
}

export interface RecordsOutputBody {
  next?: number;
  records: RecordBody[];
}

export interface RecoveryBody {
  codes: string[];
}

export interface RegistrationOutputBody {
  options: Record<string, unknown>;
  registration: string;
}

export interface RelayBody {
  from: string;
  minutes: number;
  silence: number;
  source: string;
  to: string;
  url?: string;
}

export interface RelayContent {
  board?: string;
  class?: "normal" | "priority";
  from: string;
  minutes: number;
  silence?: number;
  source?: string;
  station?: string;
  title?: string;
  to: string;
  unit: string;
}

export interface RelayEvent {
  at: string;
  what: "began" | "lost" | "dead-air" | "restored" | "ended";
}

export interface Rendition {
  changes?: Change[];
  digest: string;
  doubts?: string[];
  findings?: string[];
  findings_en?: string[];
  frames: number;
  loudness: number;
  size: number;
  spoken?: string;
  true_peak: number;
}

export interface ReturnInputBody {
  reason: string;
}

export interface SecondDemandInputBody {
  roles: ("editor" | "approver" | "operator" | "administrator" | "auditor" | "technician")[];
}

export interface SecondFactorBody {
  enrolled: boolean;
}

export interface Sentence {
  en: string;
  vi: string;
}

export interface SessionBody {
  address: string;
  began: string;
  browser: string;
  current: boolean;
  expires: string;
  id: string;
  way: "password" | "code" | "passkey" | "provider";
}

export interface SetGrantsInputBody {
  grants: GrantBody[];
  password?: string;
  registrar_password?: string;
}

export interface SettlePasskeyInputBody {
  registrar_password?: string;
}

export interface ShareBody {
  by?: string;
  on?: string;
  share: number;
  village: string;
}

export interface SightingBody {
  airing: string;
  at: string;
  by: "photo" | "camera" | "light";
  light?: LightBody[];
  lux?: number;
  picture?: string;
}

export interface SignatureBody {
  at: string;
  key: "hub-key" | "passkey";
  person: string;
  person_name: string;
}

export interface SilentVillage {
  devices: number;
  since: string;
  unit: string;
}

export interface SketchBody {
  board: string;
  board_zone?: "header" | "ticker";
  class: "normal" | "priority" | "emergency";
  drill?: boolean;
  layout?: "notice" | "two-line" | "ticker" | "picture";
  picture?: string;
  sizes?: BoardBody[];
  title?: string;
  unit: string;
}

export interface SlotBody {
  exdates?: string[];
  last_day?: string;
  lunar?: number[];
  minutes: number;
  rdates?: string[];
  rule?: string;
  skip_holidays?: boolean;
  start: string;
}

export interface SoundOptions {
  chime?: boolean;
  drill?: boolean;
  from_ms?: number;
  pause_ms?: number;
  rate?: number;
  repair?: boolean;
  repeat?: number;
  southern?: boolean;
  title?: boolean;
  to_ms?: number;
  voice?: "north" | "central" | "south";
  wanted?: boolean;
}

export interface SpotBody {
  from: string;
  kind: string;
  said: string;
}

export interface StationBody {
  id: string;
  name: string;
}

export interface StickInputBody {
  file: string;
}

export interface StockInputBody {
  kind: "opening" | "closing" | "silence";
  seconds?: number;
  unit: string;
}

export interface StopBody {
  airing?: string;
  at: string;
  id: string;
  unit: string;
}

export interface StopInputBody {
  airing?: string;
  unit?: string;
}

export interface TemplateBody {
  board: string;
  clear_board: string;
  clear_text: string;
  clear_title: string;
  id: string;
  name: string;
  own: boolean;
  text: string;
  title: string;
  unit?: string;
}

export interface TokenBody {
  created: string;
  expires: string;
  id: string;
  name: string;
  revoked?: string;
  scope: "all" | "read";
}

export interface ToneBody {
  at: string;
  number: number;
  reason?: string;
}

export interface ToneInputBody {
  seconds?: number;
  volume?: number;
}

export interface TrialBody {
  rate?: number;
  southern?: boolean;
  text: string;
  title?: string;
  unit: string;
  voice?: "north" | "central" | "south";
}

export interface UnitBody {
  code: string;
  counted?: string;
  id: string;
  kind: "province" | "commune" | "village";
  name: string;
  parent?: string;
  path: string[];
  people?: number;
  source?: string;
  valid_from: string;
  valid_until?: string;
}

export interface UploadBody {
  digest: string;
  size: number;
}

export interface UserBody {
  can_sign: boolean;
  created: string;
  disabled?: string;
  grants: GrantBody[];
  id: string;
  name: string;
}

export interface ValueBody {
  name: string;
  value: string;
  value_name?: string;
}

export interface VillageBody {
  name: string;
  people: number;
  reached: number;
  unit: string;
  unknown: number;
}

export interface WaysBody {
  passkey: boolean;
  password: boolean;
  provider?: ProviderBody;
}

export interface WeekInputBody {
  from: string;
  to: string;
  unit: string;
}

export interface Wish {
  after_cut?: "restart" | "resume" | "drop";
  drill?: boolean;
  every?: number;
  exdates?: string[];
  last_day?: string;
  lateness?: number;
  night?: boolean;
  night_reason?: string;
  order?: number;
  passes?: number;
  plays_per_day?: number;
  rdates?: string[];
  replaces?: string;
  rule?: string;
  start?: string;
  units: string[];
  validity?: number;
  volume?: number;
  when: "now" | "at" | "rule" | "programmes";
}

export interface ZoneBody {
  name: "header" | "ticker";
  size: BoardBody;
}
