package killing

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/agent/player/opus"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/hub/blob"
	hubstore "github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

// copyOf copies files that a program has or had open, and returns where.
func (r *run) copyOf(files ...string) (string, error) {
	dir, err := os.MkdirTemp(r.path("tmp"), "copy-")
	if err != nil {
		return "", err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o600)
		}
		if err != nil {
			return "", err
		}
	}
	return dir, nil
}

// openAgent opens a copy of the agent's store.
func (r *run) openAgent() (*store.Store, error) {
	dir, err := r.copyOf(r.path("loa", "agent.db"))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "agent.db")
	s, err := store.Open(store.Config{
		Path: file, Marker: filepath.Join(dir, "chain"), Entropy: rand.Reader, Now: 1, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(file + ".damaged"); err == nil {
		return nil, errors.Join(errors.New("agent.db is damaged"), s.Close())
	}
	return s, nil
}

// openHub opens a copy of the hub's database.
func (r *run) openHub(ctx context.Context) (*hubstore.DB, error) {
	dir, err := r.copyOf(r.path("hub", "hub.db"), r.path("hub", "hub.db-wal"))
	if err != nil {
		return nil, err
	}
	return hubstore.Open(ctx, filepath.Join(dir, "hub.db"))
}

// consistent checks bbolt's pages, SQLite's, and that every blob is what its name
// says, on copies.
func (r *run) consistent(when string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s, err := r.openAgent(); err != nil {
		r.wrong("%s: agent.db: %v", when, err)
	} else if err := errors.Join(s.Check(), s.Close()); err != nil {
		r.wrong("%s: agent.db: %v", when, err)
	}
	db, err := r.openHub(ctx)
	if err != nil {
		r.wrong("%s: hub.db: %v", when, err)
		return
	}
	for pragma, good := range map[string]string{"integrity_check": "ok", "foreign_key_check": ""} {
		var said sql.NullString
		err := db.Writer().QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&said)
		if err != nil && !(good == "" && errors.Is(err, sql.ErrNoRows)) || said.String != good {
			r.wrong("%s: hub.db: %s says %q %v", when, pragma, said.String, err)
		}
	}
	if err := db.Close(); err != nil {
		r.wrong("%s: hub.db: %v", when, err)
	}
	files, err := filepath.Glob(r.path("hub", "blobs", "??", "*"))
	if err != nil {
		r.wrong("blobs: %v", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if got := protocol.DigestOf(b).String(); err != nil || got != filepath.Base(f) {
			r.wrong("%s: blob %s has digest %s: %v", when, filepath.Base(f), got, err)
		}
	}
}

// entry is a place in a chain and what stands there.
type entry struct {
	chain protocol.Digest
	seq   uint64
	hash  protocol.Digest
}

// receipts compares the device's chain with the ledger's and returns the receipts.
func (r *run) receipts(ctx context.Context) ([]protocol.Receipt, error) {
	s, err := r.openAgent()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	head, err := s.Head()
	if err != nil {
		return nil, err
	}
	if err := s.Resend(1); err != nil {
		return nil, err
	}
	raw, _, err := s.Unacked(1<<20, 1<<30)
	if err != nil {
		return nil, err
	}
	held := map[entry]int{}
	var list []protocol.Receipt
	for _, b := range raw {
		e, err := protocol.Unmarshal[protocol.Entry](b, protocol.MaxControl)
		if err != nil {
			return nil, err
		}
		held[entry{head.Chain, e.Seq, protocol.DigestOf(b)}]++
		switch {
		case e.Receipt != nil:
			list = append(list, *e.Receipt)
		case e.Loss != nil:
			r.wrong("the chain has a loss to %d: %s", e.Loss.Through, e.Loss.Reason)
		case e.Genesis != protocol.GenesisNew:
			r.wrong("the chain began by %v", e.Genesis)
		}
	}
	db, err := r.openHub(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.Writer().QueryContext(ctx, `SELECT chain, seq, hash, conflict FROM entry WHERE device = ?`, device)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		var chain, hash []byte
		var conflict bool
		if err := rows.Scan(&chain, &e.seq, &hash, &conflict); err != nil {
			return nil, err
		}
		copy(e.chain[:], chain)
		copy(e.hash[:], hash)
		if held[e]--; held[e] < 0 || conflict {
			r.wrong("ledger: entry %d is not the device's, or there twice (conflict %v)", e.seq, conflict)
		}
	}
	for e, n := range held {
		if n > 0 && e.seq <= head.Acked {
			r.wrong("LOST: entry %d was acknowledged and is not in the ledger", e.seq)
		}
	}
	return list, rows.Err()
}

// line is what the hub says of one occurrence.
type line struct {
	Airing, Outcome, Reason, Voice string
	Start                          time.Time
	Frames                         int64
}

// expected is what must become of a bulletin.
type expected struct {
	request
	outcomes []string
	lines    []line
	exact    bool // what sounds is its sound and nothing else
}

// compare compares what sounded with receipts, reach and verify.
func (r *run) compare(ctx context.Context, want []expected) error {
	receipts, err := r.receipts(ctx)
	if err != nil {
		return err
	}
	counted := map[string]int{}
	for _, rc := range receipts {
		counted[fmt.Sprintf("%s-%d", rc.Airing, rc.Start)]++
	}
	known := map[string]bool{}
	for _, x := range want {
		if len(x.lines) != 1 {
			r.wrong("%d occurrences of a bulletin that was aired once: %+v", len(x.lines), x.lines)
			continue
		}
		l := x.lines[0]
		occurrence := fmt.Sprintf("%s-%d", l.Airing, l.Start.UnixMilli())
		known[occurrence] = true
		if counted[occurrence] != 1 {
			r.wrong("%d receipts of %s", counted[occurrence], occurrence)
		}
		whole, open, err := r.heard(x, l, occurrence)
		if err != nil {
			return err
		}
		// A machine with no time for the card fails it: that is said, too.
		starved := whole == 0 && l.Outcome == "cut" && l.Reason == "fault"
		if !slices.Contains(x.outcomes, l.Outcome) && !starved && !(open && l.Outcome == "cut" && l.Reason == "off") {
			r.wrong("%s is %s (%s), want one of %v", occurrence, l.Outcome, l.Reason, x.outcomes)
		}
	}
	for o := range counted {
		if !known[o] {
			r.wrong("a receipt of %s, which nobody aired", o)
		}
	}
	files, err := filepath.Glob(r.path("loa", "out", "sound", "*.wav"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if !slices.ContainsFunc(want, func(x expected) bool {
			return len(x.lines) == 1 && strings.HasPrefix(filepath.Base(f), x.lines[0].Airing)
		}) {
			r.wrong("%s sounded, and nobody aired it", filepath.Base(f))
		}
	}
	return r.verify(ctx, want)
}

// unproved is how long the end of a play may take to be proved: the program may die
// before it knows that the card took the last frame. An emergency's pass is longer than
// its sound, and begins again if it is interrupted.
const (
	unproved     = 3 * time.Second
	unprovedPass = 15 * time.Second
)

// heard compares what the ledger says of an occurrence with what the card wrote. It
// returns how often that was the whole, and whether the program died when the sound
// was at its end, so that nobody could know whether it was.
func (r *run) heard(x expected, l line, occurrence string) (whole int, open bool, err error) {
	files, err := filepath.Glob(r.path("loa", "out", "sound", occurrence+"-*.wav"))
	if err != nil {
		return 0, false, err
	}
	within := unprovedPass
	var reference []int16
	if x.exact {
		within = unproved
		if reference, err = r.decoded(x.sound); err != nil {
			return 0, false, err
		}
	}
	var frames int64
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return 0, false, err
		}
		info, err := os.Stat(f)
		if err != nil {
			return 0, false, err
		}
		n := max(0, (int64(len(b))-44)/2)
		frames += n
		if n+int64(atEnd) > x.sound.Frames {
			age := r.died.Sub(info.ModTime())
			open = open || r.fault != nil && r.fault.program == "agent" && age < within && age > -time.Second
		}
		if n < x.sound.Frames {
			continue // what is cut fades out
		}
		missing, err := compareSound(b, reference)
		if err != nil {
			r.wrong("%s: %v", filepath.Base(f), err)
		}
		if missing == 0 {
			whole++
		}
	}
	if l.Outcome == "played" && whole == 0 {
		r.wrong("SAID MORE: %s is played, and no stretch of %d was whole", occurrence, len(files))
	}
	if l.Outcome != "played" && whole > 0 && !open {
		r.wrong("LOST: %s is %s, and sounded whole", occurrence, l.Outcome)
	}
	if whole > 1 && !open || whole > 2 {
		r.wrong("TWICE: %s sounded whole %d times", occurrence, whole)
	}
	if l.Frames > frames {
		r.wrong("SAID MORE: %s has %d frames, %d sounded", occurrence, l.Frames, frames)
	}
	return whole, open, nil
}

// atEnd is how many frames may be on their way to the card at the end of a play.
const atEnd = protocol.SoundRate / 2

// decoded is what a rendition sounds like.
func (r *run) decoded(s sound) ([]int16, error) {
	d, err := protocol.ParseDigest(s.Digest)
	if err != nil {
		return nil, err
	}
	f, err := blob.View(r.path("hub", "blobs")).Open(d)
	if err != nil {
		return nil, err
	}
	src, err := opus.Open(f)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	var out []int16
	buf := make([]int16, 4800)
	for {
		n, err := src.Read(buf)
		out = append(out, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// compareSound compares a WAV's samples with what should have sounded, nil for
// anything, and returns how many at the end did not; a busy machine leaves silence
// between them, as on a card.
func compareSound(wav []byte, want []int16) (missing int, err error) {
	k := 0
	for i := 44; i+1 < len(wav) && len(want) > 0; i += 2 {
		v := int16(uint16(wav[i]) | uint16(wav[i+1])<<8)
		switch {
		case k < len(want) && v == want[k]:
			k++
		case v != 0:
			return 0, fmt.Errorf("sample %d is not the bulletin's", (i-44)/2)
		}
	}
	return len(want) - k, nil
}

// verify has the hub's own command recompute everything from signed material.
func (r *run) verify(ctx context.Context, want []expected) error {
	roots, err := filepath.Glob(filepath.Join(r.g.dir, "root", "*"))
	if err != nil || len(roots) == 0 {
		return errors.Join(err, errors.New("no root"))
	}
	cmd := exec.CommandContext(ctx, r.g.hubFile, "--config", r.path("hub.yaml"), "verify", "--json", "--root", roots[0])
	var said, complained strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &complained
	if err := cmd.Run(); err != nil {
		r.wrong("verify: %v: %s", err, complained.String())
	}
	counted := map[string]string{}
	dec := json.NewDecoder(strings.NewReader(said.String()))
	for dec.More() {
		var v struct {
			Bulletin                                       string
			Expected, Played, Cut, Skipped, Unknown, Ahead int
		}
		if err := dec.Decode(&v); err != nil {
			return err
		}
		counted[v.Bulletin] = fmt.Sprintf("%d: %d played, %d cut, %d skipped, %d unknown, %d ahead", v.Expected, v.Played, v.Cut, v.Skipped, v.Unknown, v.Ahead)
	}
	for _, x := range want {
		n := map[string]int{}
		for _, l := range x.lines {
			n[l.Outcome]++
		}
		if hub := fmt.Sprintf("%d: %d played, %d cut, %d skipped, %d unknown, %d ahead", len(x.lines), n["played"], n["cut"], n["skipped"], n["unknown"], n["ahead"]); counted[x.bulletin] != hub {
			r.wrong("verify says of a bulletin %q, the hub %q", counted[x.bulletin], hub)
		}
	}
	return nil
}
