-- +goose Up
-- Numbers of plans that devices hold and this hub does not know, after it was
-- restored from a backup: the next plan goes past them.
CREATE TABLE plan_floor (
  unit TEXT PRIMARY KEY REFERENCES unit(id),
  number INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- The last seq that an entry takes, where it is a loss of several.
ALTER TABLE entry ADD COLUMN last INTEGER;

-- Ranges of devices' chains that are gone for good: the hub lost them and the
-- device has them no more.
CREATE TABLE receipt_gap (
  device TEXT NOT NULL REFERENCES device(id),
  chain BLOB NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (device, chain, first)
) STRICT, WITHOUT ROWID;

-- What an operator must look at; one open row for each kind, device and subject.
CREATE TABLE alarm (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  device TEXT NOT NULL REFERENCES device(id),
  subject TEXT NOT NULL,                -- a chain's id, or ''
  reason TEXT NOT NULL,
  first INTEGER NOT NULL,               -- seqs or numbers that it is about, 0 for none
  last INTEGER NOT NULL,
  since INTEGER NOT NULL,
  raised INTEGER NOT NULL,
  closed INTEGER,
  seen_by TEXT REFERENCES person(id),
  seen INTEGER
) STRICT;
CREATE UNIQUE INDEX alarm_open ON alarm(kind, device, subject) WHERE closed IS NULL;
CREATE INDEX alarm_raised ON alarm(raised);

-- +goose Down
SELECT 1;
