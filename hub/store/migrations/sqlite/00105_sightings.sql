-- +goose Up
-- Who or what saw a board show something. Instants are milliseconds since 1970 in UTC.
CREATE TABLE sighting (
  airing TEXT NOT NULL,
  device TEXT NOT NULL,
  at INTEGER NOT NULL,                  -- when it was seen
  by TEXT NOT NULL,                     -- photo, camera or light
  picture BLOB,                         -- digest of the picture, kept as a blob; NULL of a light sensor
  lux REAL,                             -- of a light sensor
  person TEXT NOT NULL,                 -- who told it, or whose key did
  told INTEGER NOT NULL,
  PRIMARY KEY (airing, device, at, by)
) STRICT, WITHOUT ROWID;

-- +goose Down
SELECT 1;
