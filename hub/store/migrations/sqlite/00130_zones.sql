-- +goose Up
-- The part of boards that a bulletin is for, and emergencies ended at a board.
-- Instants are milliseconds since 1970 in UTC.
ALTER TABLE bulletin ADD COLUMN board_zone TEXT NOT NULL DEFAULT '';  -- 'header', 'ticker'; '' is where bulletins stand

-- derived: when somebody at the board ended this emergency
ALTER TABLE outcome ADD COLUMN keyed INTEGER;

-- +goose Down
SELECT 1;
