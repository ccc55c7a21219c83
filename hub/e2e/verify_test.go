package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
)

// copied is a hub's data at rest, to be falsified.
type copied struct {
	w   *world
	dir string
}

func (w *world) copied() copied {
	w.t.Helper()
	c := copied{w: w, dir: w.t.TempDir()}
	must(w.t, os.CopyFS(filepath.Join(c.dir, "blobs"), os.DirFS(w.config.BlobDir())))
	if _, err := w.DB.Writer().ExecContext(w.t.Context(), `VACUUM INTO ?`, filepath.Join(c.dir, "hub.db")); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// verify checks the copy as `loa-hub verify` does, with the root from outside.
func (c copied) verify() verify.Report {
	t := c.w.t
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(c.dir, "hub.db"))
	must(t, err)
	defer func() { must(t, db.Close()) }()
	devices, err := c.w.Registry.Devices(t.Context())
	must(t, err)
	m, err := db.Material(t.Context(), devices, reach.Media)
	must(t, err)
	m.Roots, m.Zone, m.Now = c.w.FirstRoots, c.w.Zone, time.Now()
	m.Document = func(d protocol.Digest) ([]byte, error) {
		var b []byte
		err := filepath.WalkDir(filepath.Join(c.dir, "blobs"), func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() && strings.HasSuffix(strings.ReplaceAll(path, string(filepath.Separator), ""), d.String()) {
				b, err = os.ReadFile(path)
			}
			return err
		})
		if b == nil && err == nil {
			err = os.ErrNotExist
		}
		return b, err
	}
	return verify.Check(m)
}

func (c copied) exec(query string, args ...any) {
	t := c.w.t
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(c.dir, "hub.db"))
	must(t, err)
	defer func() { must(t, db.Close()) }()
	must(t, db.WithTx(t.Context(), func(tx *sql.Tx) error {
		r, err := tx.ExecContext(context.Background(), query, args...)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			t.Errorf("%s: %d rows (%v)", query, n, err)
		}
		return nil
	}))
}

// flip changes one byte in the middle of every value of a column.
func (c copied) flip(table, column, where string) {
	t := c.w.t
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(c.dir, "hub.db"))
	must(t, err)
	var b []byte
	must(t, db.Writer().QueryRowContext(t.Context(), "SELECT "+column+" FROM "+table+where+" LIMIT 1").Scan(&b))
	must(t, db.Close())
	changed := bytes.Clone(b)
	changed[len(b)/2] ^= 1
	c.exec("UPDATE "+table+" SET "+column+" = ? WHERE "+column+" = ?", changed, b)
}

// Whatever is falsified in what was signed, verify names a problem; the figure is
// never silently another one.
func TestVerifyNamesWhatWasFalsified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	b := w.ready(spokenText(1))
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	second := w.ready(spokenText(1))
	w.air(second, bulletin.Wish{When: bulletin.Now}, "duyet1")
	w.settled(b, 1)
	w.settled(second, 1)
	frozen, err := w.Bulletins.Get(t.Context(), w.actor("soan"), b.ID)
	must(t, err)
	path, err := w.Blobs.Path(frozen.Digest)
	must(t, err)
	rel, err := filepath.Rel(w.config.BlobDir(), path)
	must(t, err)

	if r := w.copied().verify(); len(r.Problems) > 0 || r.Receipts < 2 {
		t.Fatalf("an untouched copy: %d receipts, problems %q", r.Receipts, r.Problems)
	}
	for name, falsify := range map[string]func(copied){
		"an entry":            func(c copied) { c.flip("entry", "bytes", "") },
		"a batch's head":      func(c copied) { c.flip("batch", "head", "") },
		"a plan's body":       func(c copied) { c.flip("plan", "body", " WHERE unit = 'xa-binh-an' ORDER BY number DESC") },
		"a plan's head":       func(c copied) { c.flip("plan", "head", " WHERE unit = 'xa-binh-an' ORDER BY number DESC") },
		"a placement":         func(c copied) { c.flip("trust", "bytes", " WHERE kind = 'placement'") },
		"a list of approvers": func(c copied) { c.flip("trust", "bytes", " WHERE kind = 'approvers'") },
		"a delegation":        func(c copied) { c.flip("trust", "bytes", " WHERE kind = 'delegation'") },
		"a deleted first entry": func(c copied) {
			c.exec(`DELETE FROM entry WHERE seq = (SELECT min(seq) FROM entry)`)
		},
		"a deleted last entry": func(c copied) {
			c.exec(`DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)`)
		},
		"deleted heads": func(c copied) { c.exec(`DELETE FROM batch`) },
		"a bulletin": func(c copied) {
			file := filepath.Join(c.dir, "blobs", rel)
			raw := readAll(c.w.t, file)
			raw[len(raw)/2] ^= 1
			must(c.w.t, os.Chmod(file, 0o600))
			must(c.w.t, os.WriteFile(file, raw, 0o600))
		},
		"a deleted bulletin": func(c copied) { must(c.w.t, os.Remove(filepath.Join(c.dir, "blobs", rel))) },
	} {
		t.Run(name, func(t *testing.T) {
			c := w.in(t).copied()
			falsify(c)
			r := c.verify()
			if len(r.Problems) == 0 {
				t.Errorf("verify found nothing: %d receipts, %+v", r.Receipts, r.Bulletins)
			}
			for _, p := range r.Problems {
				if strings.TrimSpace(p) == "" {
					t.Error("a problem without a name")
				}
			}
		})
	}

	// Derived tables may say what they like: verify reads none.
	c := w.copied()
	c.exec(`UPDATE outcome SET outcome = 3`)
	c.exec(`DELETE FROM device_state`)
	if r := c.verify(); len(r.Problems) > 0 || len(r.Bulletins) != 2 || r.Bulletins[0].Played != 1 {
		t.Errorf("derived tables changed the figure: %q, %+v", r.Problems, r.Bulletins)
	}
}

// No log line holds a password or a claim's secret, whoever mistypes what.
func TestLogsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := speaker("loa-dong", "thon-dong", 1000)
	d := w.device(n)
	w.online(d)
	claim, err := w.Base.Enrol.Claim(t.Context(), n.ID, "quantri")
	must(t, err)
	c := w.client("soan")
	c.post("/sessions", map[string]any{"user": "soan", "password": "mat khau sai"}).refused(401, "")
	b := w.ready(spokenText(1))
	r := w.air(b, bulletin.Wish{When: bulletin.Now})
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, "khong phai no"); err == nil {
		t.Error("approved with a wrong password")
	}
	secret := strings.Split(claim.Text, ".")[1]
	log := strings.ToLower(w.log.String())
	for _, s := range []string{password, registrar, "mat khau cua khoa goc", "mat khau sai", "khong phai no", secret} {
		if strings.Contains(log, strings.ToLower(s)) {
			t.Errorf("the log holds %q", s)
		}
	}
	if !strings.Contains(log, "device enrolled") {
		t.Error("the log is empty: this test sees nothing")
	}
}
