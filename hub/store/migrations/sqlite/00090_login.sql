-- +goose Up
-- Log-ins that hold; the cookie's session names one of them.
CREATE TABLE login (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL REFERENCES person(id),
  way TEXT NOT NULL CHECK (way IN ('password','code','passkey','provider')),
  strong INTEGER NOT NULL,              -- two factors were checked
  began INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  address TEXT NOT NULL,
  browser TEXT NOT NULL
) STRICT;
CREATE INDEX login_person ON login(person, began);

-- Who is called how by the provider of log-ins (OpenID Connect); the provider's
-- own id is noted at the first log-in and counts from then on.
CREATE TABLE person_identity (
  person TEXT PRIMARY KEY REFERENCES person(id),
  name TEXT NOT NULL UNIQUE,
  issuer TEXT,
  subject TEXT,
  UNIQUE (issuer, subject)
) STRICT;

-- Roles that log in with a second factor only, in a unit and all below it.
CREATE TABLE second_demand (
  unit TEXT NOT NULL REFERENCES unit(id),
  role TEXT NOT NULL,
  PRIMARY KEY (unit, role)
) STRICT, WITHOUT ROWID;

ALTER TABLE passkey ADD COLUMN log_in INTEGER NOT NULL DEFAULT 0; -- its person logs in with it

-- +goose Down
SELECT 1;
