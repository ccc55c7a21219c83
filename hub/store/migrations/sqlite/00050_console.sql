-- +goose Up
-- What the console keeps for people. Instants are milliseconds since 1970 in UTC.

-- What somebody is writing, as their form holds it.
CREATE TABLE draft (
  person TEXT NOT NULL REFERENCES person(id),
  id TEXT NOT NULL,                     -- chosen by the page
  title TEXT NOT NULL,
  content TEXT NOT NULL,                -- JSON, only the console reads it
  changed INTEGER NOT NULL,
  PRIMARY KEY (person, id)
) STRICT, WITHOUT ROWID;

-- Answers to requests with an Idempotency-Key, so that one sent twice is done once.
CREATE TABLE answered (
  person TEXT NOT NULL,
  key TEXT NOT NULL,
  request TEXT NOT NULL,                -- method and path
  status INTEGER NOT NULL,              -- 0 while it is being done
  kind TEXT NOT NULL DEFAULT '',        -- Content-Type
  body BLOB,
  at INTEGER NOT NULL,
  PRIMARY KEY (person, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answered_at ON answered(at);

-- Emergencies written beforehand.
CREATE TABLE template (
  id TEXT PRIMARY KEY,
  unit TEXT NOT NULL REFERENCES unit(id),
  content TEXT NOT NULL,                -- JSON
  changed INTEGER NOT NULL,
  person TEXT NOT NULL
) STRICT;
CREATE INDEX template_unit ON template(unit);

-- The bulletin that calls off another, made ready together with it.
CREATE TABLE all_clear (
  bulletin TEXT PRIMARY KEY REFERENCES bulletin(id),
  cancels TEXT NOT NULL REFERENCES bulletin(id)
) STRICT;
CREATE INDEX all_clear_cancels ON all_clear(cancels);

-- The map that a commune has drawn of its villages, as GeoJSON.
CREATE TABLE map (
  unit TEXT PRIMARY KEY REFERENCES unit(id),
  geojson TEXT NOT NULL,
  changed INTEGER NOT NULL,
  person TEXT NOT NULL
) STRICT;

-- Who else has uploaded the same bytes.
CREATE TABLE uploader (
  digest BLOB NOT NULL REFERENCES upload(digest),
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (digest, person)
) STRICT, WITHOUT ROWID;

-- Photographs of devices where they hang.
CREATE TABLE photo (
  device TEXT PRIMARY KEY REFERENCES device(id),
  digest BLOB NOT NULL,
  kind TEXT NOT NULL,
  person TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- +goose Down
SELECT 1;
