-- +goose Up
-- Roles auditor and technician.
CREATE TABLE person_role_new (
  person TEXT NOT NULL REFERENCES person(id),
  unit TEXT NOT NULL REFERENCES unit(id),
  role TEXT NOT NULL CHECK (role IN ('editor','approver','operator','administrator','auditor','technician')),
  PRIMARY KEY (person, unit, role)
) STRICT, WITHOUT ROWID;
INSERT INTO person_role_new (person, unit, role) SELECT person, unit, role FROM person_role;
DROP TABLE person_role;
ALTER TABLE person_role_new RENAME TO person_role;

-- +goose Down
SELECT 1;
