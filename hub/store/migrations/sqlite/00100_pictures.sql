-- +goose Up
-- Pictures for boards. Instants are milliseconds since 1970 in UTC.
CREATE TABLE picture (
  digest BLOB PRIMARY KEY,              -- of the file that boards read, kept as a blob
  size INTEGER NOT NULL,                -- bytes
  chunks BLOB NOT NULL,                 -- digest of the list of its chunks' digests
  width INTEGER NOT NULL,               -- px
  height INTEGER NOT NULL,
  person TEXT NOT NULL,                 -- who uploaded it first
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE bulletin ADD COLUMN layout TEXT NOT NULL DEFAULT '';  -- of boards; '' is the class's own
ALTER TABLE bulletin ADD COLUMN picture TEXT;                     -- JSON: a row of table picture

-- derived: digests of the pages that a board showed, one after the other
ALTER TABLE outcome ADD COLUMN pixels BLOB;

-- +goose Down
SELECT 1;
