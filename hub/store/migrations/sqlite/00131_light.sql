-- +goose Up
-- JSON: what a light sensor before a board measured over a while, [{"At": instant, "Lux": number}];
-- NULL for a single value, which proves light and not what was to be read.
ALTER TABLE sighting ADD COLUMN light TEXT;

-- +goose Down
SELECT 1;
