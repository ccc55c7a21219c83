-- +goose Up
-- What a unit allows its devices by the hours of the local day.
CREATE TABLE unit_limit (
  unit TEXT NOT NULL REFERENCES unit(id),
  of INTEGER NOT NULL,                  -- 1 volume, 2 brightness of boards
  from_hour INTEGER NOT NULL,           -- full hours; to_hour at or before it is on the next day
  to_hour INTEGER NOT NULL,
  percent INTEGER NOT NULL,
  PRIMARY KEY (unit, of, from_hour, to_hour)
) STRICT, WITHOUT ROWID;

-- +goose Down
SELECT 1;
