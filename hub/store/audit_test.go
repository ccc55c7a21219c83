package store_test

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

func at(minute int) time.Time { return time.Date(2026, 1, 31, 8, minute, 0, 0, time.UTC) }

// recorded is a hub's record of ten acts, signed after the sixth and the tenth.
type recorded struct {
	t      *testing.T
	db     *store.DB
	signer *envelope.Signer
}

func newRecorded(t *testing.T) *recorded {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	signer, err := envelope.NewSigner(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorded{t: t, db: db, signer: signer}
	unit := registry.Unit{ID: "xa", Code: "99001", Name: "Xã", Kind: registry.Commune, ValidFrom: "2025-07-01"}
	r.must(db.Registry().PutUnits(t.Context(), []registry.Unit{unit}, nil, audit.Act{At: at(0), Name: "units imported", Subject: "xa", Unit: "xa"}))
	for i, id := range []protocol.PersonID{"soan", "duyet1"} {
		r.must(db.Accounts().AddPerson(t.Context(), account.Person{ID: id, Name: "Nguyễn Văn " + string(id), Created: at(i + 1)}, "x", nil, nil,
			audit.Act{At: at(i + 1), Name: "person added", About: id, Unit: "xa", Personal: map[string]string{"name": "Nguyễn Văn " + string(id)}}))
	}
	ctx := audit.With(t.Context(), audit.Origin{Person: "soan", Address: "192.0.2.7", Via: "session"})
	for i := 3; i < 6; i++ {
		r.must(db.Audit().Record(ctx, audit.Act{At: at(i), Name: "something done", Subject: "s", Unit: "xa", After: map[string]string{"n": string(rune('0' + i))}}))
	}
	r.sign(6)
	r.must(db.Registry().SetQuiet(ctx, "xa", []protocol.Quiet{{Start: 1290, End: 300}}, audit.Act{At: at(7), Name: "quiet hours set", Subject: "xa", Unit: "xa"}))
	for i := 8; i < 11; i++ {
		r.must(db.Audit().Record(ctx, audit.Act{At: at(i), Name: "something done", Subject: "s", Unit: "xa"}))
	}
	r.sign(11)
	return r
}

func (r *recorded) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *recorded) sign(minute int) {
	r.t.Helper()
	made, err := r.db.Audit().Checkpoint(r.t.Context(), r.signer, at(minute))
	if err != nil || !made {
		r.t.Fatalf("checkpoint: %v %v", made, err)
	}
}

// steal runs statements as somebody who holds the database file: no trigger
// keeps them.
func (r *recorded) steal(queries ...string) {
	r.t.Helper()
	for _, q := range append([]string{
		`DROP TRIGGER IF EXISTS audit_stays`, `DROP TRIGGER IF EXISTS audit_unchanged`,
		`DROP TRIGGER IF EXISTS audit_checkpoint_stays`, `DROP TRIGGER IF EXISTS audit_checkpoint_unchanged`, `PRAGMA foreign_keys = 0`,
	}, queries...) {
		if _, err := r.db.Writer().ExecContext(r.t.Context(), q); err != nil {
			r.t.Fatalf("%s: %v", q, err)
		}
	}
}

// by opens checkpoints of one signer.
func by(s *envelope.Signer) func([]byte) (audit.Checkpoint, error) {
	return func(b []byte) (audit.Checkpoint, error) { return audit.OpenCheckpoint(b, envelope.One(s.Key())) }
}

func (r *recorded) check() audit.Report {
	r.t.Helper()
	m, err := r.db.Audit().Material(r.t.Context())
	r.must(err)
	return audit.Check(m, by(r.signer))
}

func TestUntouchedRecordAddsUp(t *testing.T) {
	r := newRecorded(t)
	if got := r.check(); len(got.Problems) > 0 || got.Records != 10 || got.Checkpoints != 2 || got.Unsigned != 0 {
		t.Errorf("%+v", got)
	}
	if made, err := r.db.Audit().Checkpoint(t.Context(), r.signer, at(20)); made || err != nil {
		t.Errorf("the same head was signed twice: %v %v", made, err)
	}
	entries, err := r.db.Audit().Entries(t.Context(), audit.Query{Limit: 100, Person: "soan"})
	r.must(err)
	if len(entries) != 7 || entries[0].Address != "192.0.2.7" || entries[0].Record.Via != "session" {
		t.Errorf("entries %+v", entries)
	}
	quiet, err := r.db.Audit().Entries(t.Context(), audit.Query{Limit: 1, Act: "quiet hours set"})
	r.must(err)
	if len(quiet) != 1 || quiet[0].Record.After[0].Value != "21:30-05:00" || quiet[0].Record.Before[0].Value != "" {
		t.Errorf("before and after: %+v", quiet)
	}
}

// Whoever holds the database can change it; the check names what they touched.
func TestSwappedRemovedOrChangedRecordIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		do   []string
		want string
	}{
		"two rows swapped": {
			[]string{`UPDATE audit SET seq = 100 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 5`, `UPDATE audit SET seq = 5 WHERE seq = 100`},
			"record 5 stands in the place of record 4",
		},
		"a row removed":   {[]string{`DELETE FROM audit_private WHERE seq = 5`, `DELETE FROM audit WHERE seq = 5`}, "record 5 was removed"},
		"first removed":   {[]string{`DELETE FROM audit WHERE seq = 1`}, "record 1 was removed"},
		"rows removed":    {[]string{`DELETE FROM audit_private WHERE seq IN (4, 5)`, `DELETE FROM audit WHERE seq IN (4, 5)`}, "records 4 to 5 were removed"},
		"removed, closed": {[]string{`DELETE FROM audit_private WHERE seq = 5`, `DELETE FROM audit WHERE seq = 5`, `UPDATE audit SET seq = seq - 1 WHERE seq > 5`}, "record 6 stands in the place of record 5"},
		"the end cut off": {[]string{`DELETE FROM audit_private WHERE seq > 8`, `DELETE FROM audit WHERE seq > 8`}, "the chain ends at record 8, yet checkpoint 2 signs record 10: the end was cut off"},
		"a byte changed":  {[]string{`UPDATE audit SET bytes = CAST(replace(CAST(bytes AS TEXT), 'something', 'somethimg') AS BLOB) WHERE seq = 4`}, "record 4 was changed"},
		"another's hash":  {[]string{`UPDATE audit SET hash = x'00' WHERE seq = 4`}, "record 4 was changed"},
		"a checkpoint removed": {
			[]string{`DELETE FROM audit_checkpoint WHERE number = 1`}, "checkpoint 1 was removed",
		},
		"a checkpoint changed": {[]string{`UPDATE audit_checkpoint SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'ff' AS BLOB) WHERE number = 2`}, "a checkpoint: "},
		"who it was removed":   {[]string{`DELETE FROM audit_private WHERE seq = 4`}, "who and from where of record 4 were removed, and no act says so"},
		"from where changed": {
			[]string{`UPDATE audit_private SET bytes = CAST(replace(CAST(bytes AS TEXT), '192.0.2.7', '192.0.2.8') AS BLOB) WHERE seq = 4`}, "who or from where of record 4 was changed",
		},
		"who it was swapped": {
			[]string{`UPDATE audit_private SET bytes = (SELECT bytes FROM audit_private WHERE seq = 3) WHERE seq = 4`}, "who or from where of record 4 was changed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorded(t)
			r.steal(c.do...)
			got := r.check()
			if !slices.ContainsFunc(got.Problems, func(p string) bool { return strings.Contains(p, c.want) }) {
				t.Errorf("problems %q, want %q", got.Problems, c.want)
			}
		})
	}
}

// Whoever holds the database and writes the chain anew, every hash right, is
// betrayed by what the hub signed, and by what an auditor kept.
func TestRewrittenOrTruncatedChainFailsItsCheckpoints(t *testing.T) {
	r := newRecorded(t)
	before, err := r.db.Audit().Material(t.Context())
	r.must(err)
	// The record is begun anew under another story, checkpoints and all.
	r.steal(`DELETE FROM audit_private`, `DELETE FROM audit`)
	for i := range 10 {
		r.must(r.db.Audit().Record(t.Context(), audit.Act{At: at(i), Name: "nothing happened", Unit: "xa"}))
	}
	got := r.check()
	if !slices.ContainsFunc(got.Problems, func(p string) bool { return strings.Contains(p, "the chain was written anew") }) {
		t.Errorf("rewritten: %q", got.Problems)
	}
	// Even the hub's key does not help against a checkpoint held elsewhere.
	r.steal(`DELETE FROM audit_checkpoint`)
	r.sign(12)
	if got := r.check(); len(got.Problems) > 0 {
		t.Errorf("with the hub's key a new story adds up by itself: %q", got.Problems)
	}
	m, err := r.db.Audit().Material(t.Context())
	r.must(err)
	m.Held = before.Checkpoints
	got = audit.Check(m, by(r.signer))
	if !slices.ContainsFunc(got.Problems, func(p string) bool { return strings.Contains(p, "record 10 is not what checkpoint 2 signs") }) {
		t.Errorf("held elsewhere: %q", got.Problems)
	}
	// A checkpoint by another key counts for nothing.
	other, err := envelope.NewSigner(ed25519.NewKeyFromSeed(slices.Repeat([]byte{1}, ed25519.SeedSize)))
	r.must(err)
	if got := audit.Check(before, by(other)); got.Unsigned != 10 || len(got.Problems) != 2 {
		t.Errorf("another's checkpoints: %+v", got)
	}
}

func TestRecordIsAppendOnly(t *testing.T) {
	r := newRecorded(t)
	for _, q := range []string{`UPDATE audit SET act = 'x' WHERE seq = 3`, `DELETE FROM audit WHERE seq = 10`, `DELETE FROM audit_checkpoint`, `UPDATE audit_checkpoint SET seq = 1`} {
		if err := r.db.WithTx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(context.Background(), q)
			return err
		}); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func TestErasureForgetsThePersonAndKeepsTheChain(t *testing.T) {
	r := newRecorded(t)
	m, err := r.db.Audit().Material(t.Context())
	r.must(err)
	alias := ""
	for _, p := range m.Privates {
		if strings.Contains(string(p.Bytes), "192.0.2.7") {
			alias = p.Alias
		}
	}
	r.must(r.db.Accounts().Erase(t.Context(), "soan", audit.Act{At: at(30), Name: audit.Erased, About: "soan"}))
	r.sign(31)
	if got := r.check(); len(got.Problems) > 0 || got.Records != 11 {
		t.Errorf("%+v", got)
	}
	p, err := r.db.Accounts().Person(t.Context(), "soan")
	if err != nil || strings.Contains(p.Name, "Nguyễn") {
		t.Errorf("person %+v, %v", p, err)
	}
	after, err := r.db.Audit().Material(t.Context())
	r.must(err)
	for _, p := range after.Privates {
		if p.Alias == alias {
			t.Errorf("record %d still holds %q", p.Seq, p.Bytes)
		}
	}
	for _, row := range after.Rows {
		for _, s := range []string{"soan", "192.0.2.7", "Nguyễn Văn soan"} {
			if strings.Contains(string(row.Bytes), s) {
				t.Errorf("record %d holds %q", row.Seq, s)
			}
		}
	}
	if slices.ContainsFunc(after.Salts, func(s audit.Salt) bool { return s.Alias == alias }) {
		t.Error("the salt is still there: who it was could be found out by guessing")
	}
	// Somebody else's data are still bound.
	r.steal(`UPDATE audit_private SET bytes = x'a10180' WHERE alias <> '` + alias + `'`)
	if got := r.check(); len(got.Problems) == 0 {
		t.Error("another's changed data were not noticed")
	}
}

func TestStretchOfDaysIsCheckedByItself(t *testing.T) {
	r := newRecorded(t)
	m, err := r.db.Audit().Material(t.Context())
	r.must(err)
	all := verify.Material{Audit: m}
	stretch := all.Between(at(4), at(6), at(60)).Audit
	keys := by(r.signer)
	if got := audit.Check(stretch, keys); len(got.Problems) > 0 || got.Records != 3 { // two of these minutes and the one before
		t.Errorf("%+v", got)
	}
	short := stretch
	short.Rows = short.Rows[1:]
	if got := audit.Check(short, keys); len(got.Problems) == 0 {
		t.Error("a stretch that begins too late was accepted")
	}
	cut := stretch
	cut.Rows, cut.Checkpoints = cut.Rows[:2], nil
	if got := audit.Check(cut, keys); len(got.Problems) == 0 {
		t.Error("a stretch without its end was accepted")
	}
	none := stretch
	none.Anonymous, none.Privates, none.Salts = true, nil, nil
	if got := audit.Check(none, keys); len(got.Problems) > 0 {
		t.Errorf("anonymous: %q", got.Problems)
	}
}

// unrecorded are methods that change something which is no act of a person, each
// with its reason.
func unrecorded() map[string]string {
	return map[string]string{
		"AddDocuments": "documents of a ceremony; who runs it says so", "SavePlans": "signed itself",
		"SaveAlert": "signed itself", "SaveSeen": "a device's word", "Aired": "follows an approval", "SaveBatches": "signed by devices",
		"LoseReceipts": "a device's word", "PutDraft": "private until it is submitted", "exec": "of a person's own notes", "Begin": "of requests sent twice",
		"DeleteCtx": "log-out is recorded by who ends it", "CommitCtx": "log-in is recorded by accounts", "Checkpoint": "of the record itself",
		"Raise": "found by the hub", "Close": "found by the hub", "SetCounter": "follows an approval", "BeginSecond": "nothing until it is confirmed", "UseStep": "log-in is recorded by accounts", "RaiseFloor": "a device's word",
		"AddSession": "with its bulletin", "SealKeys": "what it seals stays the same", "AddRelayEvent": "found by the hub", "KeepMade": "made again from the same text",
		"SaveStates": "a device's word",
	}
}

// Every method that writes records its act in the same transaction, or says
// above why not.
func TestEveryActIsRecordedWithWhatItChanges(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	writing := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name == "WithTx" {
				continue
			}
			calls := map[string]bool{}
			ast.Inspect(fn, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					switch f := c.Fun.(type) {
					case *ast.SelectorExpr:
						calls[f.Sel.Name] = true
					case *ast.Ident:
						calls[f.Name] = true
					}
				}
				return true
			})
			if !calls["WithTx"] {
				continue
			}
			writing++
			recorded := calls["record"] || calls["setPerson"] || calls["placeDevice"] || calls["addDevice"] || calls["insertAiring"] || calls["withdrawAiring"]
			if !recorded && unrecorded()[fn.Name.Name] == "" {
				t.Errorf("%s: %s changes something and records no act", file, fn.Name.Name)
			}
		}
	}
	if writing < 25 {
		t.Errorf("only %d methods that write were found", writing)
	}
}

// What records name by ids is called by its name: each kind has one of its own.
func TestWhatRecordsNameIsCalledByItsName(t *testing.T) {
	r := newRecorded(t)
	ctx := t.Context()
	desk := store.NewDesk(r.db)
	r.must(desk.SaveGroup(ctx, programme.Group{ID: "nhom-1", Unit: "xa", Name: "Các xã ven sông", Members: []protocol.UnitID{"xa"}, By: "soan", Created: at(20)}))
	for revision, name := range []string{"Chương trình sáng", "Chương trình sáng, mới"} {
		r.must(desk.SaveRundown(ctx, programme.Rundown{ID: "ct-1", Revision: revision + 1, Unit: "xa", Name: name, By: "soan", Created: at(20), Changed: at(21 + revision), Effective: at(22)}))
	}
	r.must(r.db.WithTx(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{
			`INSERT INTO bulletin (id, work, revision, unit, class, title, text, board, language, author, origin, options, state, created, changed) VALUES ('bt-1', 'bt-1', 1, 'xa', 'normal', 'Lịch cắt điện', '', '', 'vi', 'soan', 'text', '{}', 'ready', 0, 0)`,
			`INSERT INTO template (id, unit, content, changed, person) VALUES ('mau-1', 'xa', '{"name":"Lũ về"}', 0, 'soan')`,
			`INSERT INTO device (id, name, unit, sound, created) VALUES ('loa-1', 'Loa đầu đình', 'xa', 1, 0)`,
		} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}))
	got, err := r.db.Audit().Names(ctx, []string{"nhom-1", "ct-1", "bt-1", "mau-1", "loa-1", "xa", "nobody"})
	r.must(err)
	want := map[string]string{
		"nhom-1": "Các xã ven sông", "ct-1": "Chương trình sáng, mới", "bt-1": "Lịch cắt điện", "mau-1": "Lũ về", "loa-1": "Loa đầu đình", "xa": "Xã",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
