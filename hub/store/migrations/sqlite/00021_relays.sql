-- +goose Up
ALTER TABLE bulletin ADD COLUMN relay TEXT; -- JSON of the stream in the place of a sound

-- Sessions of relay bulletins, with the key that signs their frames.
CREATE TABLE relay_session (
  session TEXT PRIMARY KEY,
  bulletin TEXT NOT NULL UNIQUE REFERENCES bulletin(id),
  private BLOB NOT NULL,                -- Ed25519 seed
  created INTEGER NOT NULL
) STRICT;

-- What happened to streams.
CREATE TABLE relay_event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session TEXT NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL
) STRICT;
CREATE INDEX relay_event_session ON relay_event(session, at);

-- +goose Down
SELECT 1;
