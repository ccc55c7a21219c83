-- +goose Up
-- Programmes: every revision is kept; the newest counts.
CREATE TABLE rundown (
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  unit TEXT NOT NULL REFERENCES unit(id),
  name TEXT NOT NULL,
  commune_group TEXT REFERENCES commune_group(id),
  deadline INTEGER,                     -- for the communes' answers
  body TEXT NOT NULL,                   -- JSON: units, slot, items, volume
  person TEXT NOT NULL,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  effective INTEGER NOT NULL,
  withdrawn INTEGER,
  PRIMARY KEY (id, revision)
) STRICT;

-- Which airings are items of programmes, and for which commune of a group.
CREATE TABLE rundown_airing (
  airing TEXT PRIMARY KEY REFERENCES airing(id),
  rundown TEXT NOT NULL,
  target TEXT NOT NULL                  -- '' without a group
) STRICT, WITHOUT ROWID;
CREATE INDEX rundown_airing_rundown ON rundown_airing(rundown);
CREATE INDEX airing_replaces ON airing(replaces);

CREATE TABLE commune_group (
  id TEXT PRIMARY KEY,
  unit TEXT NOT NULL REFERENCES unit(id),
  name TEXT NOT NULL,
  accept INTEGER NOT NULL,              -- what silence means after the deadline
  person TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE commune_group_member (
  commune_group TEXT NOT NULL REFERENCES commune_group(id),
  unit TEXT NOT NULL REFERENCES unit(id),
  PRIMARY KEY (commune_group, unit)
) STRICT, WITHOUT ROWID;

CREATE TABLE rundown_answer (
  rundown TEXT NOT NULL,
  revision INTEGER NOT NULL,
  unit TEXT NOT NULL REFERENCES unit(id),
  accepted INTEGER NOT NULL,
  person TEXT NOT NULL,                 -- '' for the group's rule
  at INTEGER NOT NULL,
  PRIMARY KEY (rundown, revision, unit)
) STRICT, WITHOUT ROWID;

-- +goose Down
SELECT 1;
