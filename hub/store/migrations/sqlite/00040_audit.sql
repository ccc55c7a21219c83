-- +goose Up
-- The record of every act: a chain of hashes that nobody changes.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,              -- from 1, without gaps
  hash BLOB NOT NULL UNIQUE,            -- of bytes
  bytes BLOB NOT NULL,                  -- audit.Record, which names the hash before
  at INTEGER NOT NULL,                  -- from here on derived, for looking up only
  act TEXT NOT NULL,
  who TEXT NOT NULL,                    -- pseudonym, '' for the hub itself
  about TEXT NOT NULL,                  -- pseudonym, or ''
  subject TEXT NOT NULL,
  unit TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit(at);
CREATE INDEX audit_who ON audit(who);
CREATE INDEX audit_about ON audit(about);
CREATE INDEX audit_unit ON audit(unit);
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the record of acts is append-only'); END;
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the record of acts is append-only'); END;

-- People under the pseudonyms that records use. Erasure forgets person and salt.
CREATE TABLE audit_person (
  alias TEXT PRIMARY KEY,
  person TEXT UNIQUE,
  salt BLOB,
  erased INTEGER
) STRICT, WITHOUT ROWID;

-- What a record holds of a person; bound to it by a commitment under the salt.
CREATE TABLE audit_private (
  seq INTEGER NOT NULL REFERENCES audit(seq),
  alias TEXT NOT NULL REFERENCES audit_person(alias),
  bytes BLOB NOT NULL,
  PRIMARY KEY (seq, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_private_alias ON audit_private(alias);

-- signed: heads of the chain.
CREATE TABLE audit_checkpoint (
  number INTEGER PRIMARY KEY,           -- from 1, without gaps
  seq INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_checkpoint_stays BEFORE DELETE ON audit_checkpoint BEGIN SELECT raise(ABORT, 'checkpoints are append-only'); END;
CREATE TRIGGER audit_checkpoint_unchanged BEFORE UPDATE ON audit_checkpoint BEGIN SELECT raise(ABORT, 'checkpoints are append-only'); END;

-- +goose Down
SELECT 1;
