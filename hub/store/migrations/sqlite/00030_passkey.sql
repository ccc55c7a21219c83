-- +goose Up
-- Passkeys by which people approve. One counts from when a registrar has signed
-- it into the lists of its person's units until it is revoked there.
CREATE TABLE passkey (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL REFERENCES person(id),
  name TEXT NOT NULL,
  credential BLOB NOT NULL UNIQUE,      -- the authenticator's own id
  public BLOB NOT NULL,                 -- COSE_Key
  synced INTEGER NOT NULL,              -- 1: may be copied to the person's other devices
  counter INTEGER NOT NULL,
  created INTEGER NOT NULL,
  confirmed INTEGER,
  revoked INTEGER
) STRICT;
CREATE INDEX passkey_person ON passkey(person);

-- By which kind of key somebody signed: 1 held by the hub, 2 a passkey.
ALTER TABLE signature ADD COLUMN kind INTEGER NOT NULL DEFAULT 1;
