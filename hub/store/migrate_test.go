package store

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/loa-vn/loa/hub/audit"
)

// What older hubs noted as events becomes the beginning of the chain.
func TestOldEventsBecomeRecords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hub.db")
	db, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	// The state before: a table of events, and a chain not yet begun.
	if err := db.WithTx(t.Context(), func(tx *sql.Tx) error {
		for _, q := range []string{
			`CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, person TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL, unit TEXT NOT NULL, detail TEXT NOT NULL) STRICT`,
			`INSERT INTO event (at, person, act, subject, unit, detail) VALUES (1000, '', 'hub initialised', 'xa', 'xa', '{}'), (2000, 'quantri', 'device placed', 'loa', 'xa', '{"name":"Đình"}')`,
			`DELETE FROM goose_db_version WHERE version_id = 41`,
		} {
			if _, err := tx.ExecContext(t.Context(), q); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	m, err := db.Audit().Material(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := audit.Check(m, nil); len(r.Problems) > 0 || r.Records != 2 {
		t.Errorf("%+v", r)
	}
	got, err := db.Audit().Entries(t.Context(), audit.Query{Limit: 10, Person: "quantri"})
	if err != nil || len(got) != 1 || got[0].Record.Act != "device placed" || got[0].Record.After[0].Value != "Đình" {
		t.Errorf("%+v, %v", got, err)
	}
}
