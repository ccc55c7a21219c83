-- +goose Up
-- Second factors: the secret sealed by a key outside of the database.
CREATE TABLE second_factor (
  person TEXT PRIMARY KEY REFERENCES person(id),
  sealed BLOB NOT NULL,
  created INTEGER NOT NULL,
  confirmed INTEGER,                    -- when the first code was right
  step INTEGER NOT NULL DEFAULT 0       -- of the last code that counted
) STRICT;

-- Codes on paper for who lost the phone; each counts once.
CREATE TABLE recovery_code (
  person TEXT NOT NULL REFERENCES person(id),
  hash BLOB NOT NULL,
  PRIMARY KEY (person, hash)
) STRICT, WITHOUT ROWID;

ALTER TABLE person ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0; -- a one-time password
ALTER TABLE token ADD COLUMN scope TEXT NOT NULL DEFAULT 'all' CHECK (scope IN ('all','read'));

-- +goose Down
SELECT 1;
