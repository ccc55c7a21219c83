-- +goose Up
-- The keys that a device ever had: hardware is replaced, its receipts stay.
CREATE TABLE device_key (
  device TEXT NOT NULL REFERENCES device(id),
  public BLOB NOT NULL,
  bound INTEGER NOT NULL,               -- when it enrolled
  PRIMARY KEY (device, public)
) STRICT, WITHOUT ROWID;
INSERT INTO device_key (device, public, bound) SELECT id, public, enrolled FROM device WHERE public IS NOT NULL AND enrolled IS NOT NULL;

-- +goose Down
SELECT 1;
