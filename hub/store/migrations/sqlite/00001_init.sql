-- +goose Up
-- Instants are milliseconds since 1970 in UTC; digests are 32 bytes; ids are text.
-- Tables marked "signed" hold bytes as they were signed and are never changed;
-- "derived" ones can be recomputed from signed ones and are never read by verify.

CREATE TABLE person (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  password TEXT NOT NULL,               -- argon2id, PHC string
  created INTEGER NOT NULL,
  disabled INTEGER
) STRICT;

CREATE TABLE person_role (
  person TEXT NOT NULL REFERENCES person(id),
  unit TEXT NOT NULL REFERENCES unit(id),
  role TEXT NOT NULL CHECK (role IN ('editor','approver','operator','administrator')),
  PRIMARY KEY (person, unit, role)
) STRICT, WITHOUT ROWID;

-- Keys that sign for a person, wrapped by that person's own password.
CREATE TABLE person_key (
  person TEXT PRIMARY KEY REFERENCES person(id),
  kind INTEGER NOT NULL,
  public BLOB NOT NULL,
  wrapped BLOB NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
  token TEXT PRIMARY KEY,               -- hash of the cookie's value
  data BLOB NOT NULL,
  expires INTEGER NOT NULL
) STRICT;
CREATE INDEX session_expires ON session(expires);

CREATE TABLE token (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL REFERENCES person(id),
  name TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  revoked INTEGER
) STRICT;

CREATE TABLE unit (
  id TEXT PRIMARY KEY,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('province','commune','village')),
  parent TEXT REFERENCES unit(id),
  valid_from TEXT NOT NULL,             -- local day
  valid_until TEXT,                     -- the first day on which it is no longer valid
  people INTEGER,                       -- of a village; the signed populations count
  source TEXT,
  counted TEXT                          -- local day of that count
) STRICT;
CREATE INDEX unit_parent ON unit(parent);
CREATE INDEX unit_code ON unit(code);

CREATE TABLE quiet (
  unit TEXT NOT NULL REFERENCES unit(id),
  start INTEGER NOT NULL,               -- minutes of the local day
  end INTEGER NOT NULL,
  PRIMARY KEY (unit, start, end)
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  unit TEXT NOT NULL REFERENCES unit(id),
  sound INTEGER NOT NULL,               -- has a loudspeaker
  width INTEGER NOT NULL DEFAULT 0,     -- of its board, 0 for none
  height INTEGER NOT NULL DEFAULT 0,
  row INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  claim BLOB,                           -- hash of the claim's secret; NULL when used
  claim_expires INTEGER,
  enrolled INTEGER,
  public BLOB,                          -- the device's key
  revoked INTEGER
) STRICT;
CREATE INDEX device_unit ON device(unit);

CREATE TABLE device_tag (
  device TEXT NOT NULL REFERENCES device(id),
  tag TEXT NOT NULL,
  PRIMARY KEY (device, tag)
) STRICT, WITHOUT ROWID;

-- derived: the last heartbeat.
CREATE TABLE device_state (
  device TEXT PRIMARY KEY REFERENCES device(id),
  connection INTEGER NOT NULL,
  online INTEGER NOT NULL,
  at INTEGER NOT NULL,                  -- hub's clock
  heartbeat BLOB NOT NULL
) STRICT;

-- signed: delegations, approvers, placements, populations.
CREATE TABLE trust (
  digest BLOB PRIMARY KEY,              -- of bytes
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,                -- unit, device or key
  number INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  created INTEGER NOT NULL,
  UNIQUE (kind, subject, number)
) STRICT;

CREATE TABLE bulletin (
  id TEXT PRIMARY KEY,                  -- of this revision
  work TEXT NOT NULL,                   -- id of the first revision
  revision INTEGER NOT NULL,
  unit TEXT NOT NULL REFERENCES unit(id),
  class TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  board TEXT NOT NULL,                  -- text for boards, '' for none
  language TEXT NOT NULL,
  author TEXT NOT NULL REFERENCES person(id),
  origin TEXT NOT NULL CHECK (origin IN ('text','sound','drop','api')),
  options TEXT NOT NULL,                -- JSON of how to make the sound
  upload BLOB,                          -- digest of the uploaded sound
  state TEXT NOT NULL,
  problem TEXT NOT NULL DEFAULT '',     -- why it failed or was returned, for people
  rendition TEXT,                       -- JSON of studio's result
  sound BLOB,                           -- digest of the Ogg Opus
  wish TEXT,                            -- JSON of the airing wished for
  digest BLOB UNIQUE,                   -- of bytes
  bytes BLOB,                           -- signed: the frozen bulletin
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  submitted INTEGER,
  UNIQUE (work, revision)
) STRICT;
CREATE INDEX bulletin_unit ON bulletin(unit, changed);
CREATE INDEX bulletin_state ON bulletin(state);

-- signed: the statement that approvers sign.
CREATE TABLE statement (
  digest BLOB PRIMARY KEY,              -- of bytes
  bulletin TEXT NOT NULL REFERENCES bulletin(id),
  bytes BLOB NOT NULL,
  created INTEGER NOT NULL,
  needed INTEGER NOT NULL,              -- signatures
  approved INTEGER,                     -- when the last needed one came
  returned INTEGER,
  aired INTEGER                         -- when its wish became an airing
) STRICT;
CREATE INDEX statement_bulletin ON statement(bulletin);

CREATE TABLE signature (
  statement BLOB NOT NULL REFERENCES statement(digest),
  person TEXT NOT NULL REFERENCES person(id),
  bytes BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (statement, person)
) STRICT;

-- An airing as its author asked for it; its copies stand in units' plans.
CREATE TABLE airing (
  id TEXT PRIMARY KEY,
  bulletin TEXT NOT NULL REFERENCES bulletin(id),
  statement BLOB NOT NULL REFERENCES statement(digest),
  approval BLOB NOT NULL,               -- digest of the approval
  class TEXT NOT NULL,
  drill INTEGER NOT NULL,
  bytes BLOB NOT NULL,                  -- protocol.Airing of the first unit
  published INTEGER NOT NULL,
  first INTEGER NOT NULL,               -- of its starts
  last INTEGER NOT NULL,                -- of its starts; window end of the last
  replaces TEXT,
  withdrawn INTEGER,
  created_by TEXT NOT NULL
) STRICT;
CREATE INDEX airing_bulletin ON airing(bulletin);
CREATE INDEX airing_last ON airing(last);

CREATE TABLE airing_unit (
  airing TEXT NOT NULL REFERENCES airing(id),
  unit TEXT NOT NULL REFERENCES unit(id),
  PRIMARY KEY (airing, unit)
) STRICT, WITHOUT ROWID;
CREATE INDEX airing_unit_unit ON airing_unit(unit);

CREATE TABLE stop (
  id TEXT PRIMARY KEY,
  scope TEXT NOT NULL,
  unit TEXT NOT NULL REFERENCES unit(id),
  airing TEXT,
  start INTEGER,
  at INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  person TEXT NOT NULL,
  bytes BLOB NOT NULL,                  -- signed: the alert
  taken_back TEXT                       -- the airing that took it back
) STRICT;
CREATE INDEX stop_expires ON stop(expires);

-- signed: every plan that was published.
CREATE TABLE plan (
  unit TEXT NOT NULL REFERENCES unit(id),
  number INTEGER NOT NULL,
  head BLOB NOT NULL,
  body BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (unit, number)
) STRICT;

-- signed: alerts that are to be seen by devices.
CREATE TABLE alert (
  digest BLOB PRIMARY KEY,
  unit TEXT NOT NULL REFERENCES unit(id),
  airing TEXT,
  stop TEXT,
  bytes BLOB NOT NULL,
  at INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT;

CREATE TABLE alert_seen (
  alert BLOB NOT NULL REFERENCES alert(digest),
  device TEXT NOT NULL REFERENCES device(id),
  accepted INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (alert, device)
) STRICT, WITHOUT ROWID;

-- signed: heads of batches.
CREATE TABLE batch (
  device TEXT NOT NULL REFERENCES device(id),
  chain BLOB NOT NULL,
  seq INTEGER NOT NULL,                 -- the last that the head covers
  hash BLOB NOT NULL,
  head BLOB NOT NULL,
  received INTEGER NOT NULL,
  PRIMARY KEY (device, chain, seq, hash)
) STRICT, WITHOUT ROWID;

-- signed: entries of devices' chains. Two of one seq are a conflict; both stay.
CREATE TABLE entry (
  device TEXT NOT NULL REFERENCES device(id),
  chain BLOB NOT NULL,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL,
  bytes BLOB NOT NULL,
  received INTEGER NOT NULL,
  conflict INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (device, chain, seq, hash)
) STRICT, WITHOUT ROWID;

-- derived: one row for each occurrence that a device answered for.
CREATE TABLE outcome (
  airing TEXT NOT NULL,
  device TEXT NOT NULL,
  medium INTEGER NOT NULL,
  start INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  proof INTEGER NOT NULL,
  began INTEGER,
  ended INTEGER,
  frames INTEGER NOT NULL,
  voice INTEGER NOT NULL,
  uncertainty INTEGER NOT NULL,
  received INTEGER NOT NULL,
  hash BLOB NOT NULL,                   -- of the entry
  PRIMARY KEY (airing, device, medium, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcome_received ON outcome(received);
CREATE INDEX outcome_start ON outcome(start);

CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  person TEXT NOT NULL,                 -- '' for the hub itself
  act TEXT NOT NULL,
  subject TEXT NOT NULL,
  unit TEXT NOT NULL,
  detail TEXT NOT NULL                  -- JSON
) STRICT;

CREATE TABLE upload (
  digest BLOB PRIMARY KEY,
  size INTEGER NOT NULL,
  name TEXT NOT NULL,
  person TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE background_job (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting','running','done','failed')),
  stage TEXT NOT NULL DEFAULT '',
  fraction REAL NOT NULL DEFAULT 0,
  problem_vi TEXT NOT NULL DEFAULT '',
  problem_en TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT;
CREATE INDEX background_job_subject ON background_job(subject);

-- +goose Down
SELECT 1;
