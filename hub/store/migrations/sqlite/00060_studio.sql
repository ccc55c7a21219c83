-- +goose Up
-- What the studio keeps. Instants are milliseconds since 1970 in UTC.

-- Units' own lists: how something is said.
CREATE TABLE pronunciation (
  unit TEXT NOT NULL REFERENCES unit(id),
  written TEXT NOT NULL,
  said TEXT NOT NULL,
  PRIMARY KEY (unit, written)
) STRICT, WITHOUT ROWID;

-- derived: what was made of the same text or recording under the same settings.
CREATE TABLE made (
  key BLOB PRIMARY KEY,                 -- digest of all that the sound is made of
  rendition TEXT NOT NULL,              -- JSON of studio's result
  sound BLOB NOT NULL,                  -- digest of the Ogg Opus
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX made_at ON made(at);

-- +goose Down
SELECT 1;
