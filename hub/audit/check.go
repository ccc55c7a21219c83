package audit

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Erased is the act that takes a person's data out of the record.
const Erased = "personal data erased"

// Restored is the act that brings a hub back from a backup; Restore reads it.
const Restored = "hub restored"

// asOf is the value of such an act that says when its backup was made.
const asOf = "as of"

// Restoring is the act of bringing a hub back from a backup made at an instant. The
// record ends there, and goes on with this act: what was done in between is gone.
func Restoring(archive string, made time.Time, by string) Act {
	return Act{Name: Restored, Subject: archive, After: map[string]string{asOf: made.UTC().Format(time.RFC3339), "account": by}}
}

// Restore is such an act as the record has it.
type Restore struct {
	Seq     uint64 // its own record; the one before is the last that came back
	At      time.Time
	Archive string
	AsOf    string // RFC 3339
}

func restoreOf(r Record) (Restore, bool) {
	if r.Act != Restored {
		return Restore{}, false
	}
	out := Restore{Seq: r.Seq, At: r.At.Time(), Archive: r.Subject}
	for _, f := range r.After {
		if f.Name == asOf {
			out.AsOf = f.Value
		}
	}
	return out, true
}

// Row is a record as it is stored.
type Row struct {
	Seq   uint64 `json:"seq"`
	Hash  []byte `json:"hash"`
	Bytes []byte `json:"bytes"`
}

// Private is what a record holds of one person, as it is stored.
type Private struct {
	Seq   uint64 `json:"seq"`
	Alias string `json:"alias"`
	Bytes []byte `json:"bytes"`
}

// Salt opens the commitments of one person.
type Salt struct {
	Alias string `json:"alias"`
	Salt  []byte `json:"salt"`
}

// Material is a chain, or a stretch of one, with what belongs to it.
type Material struct {
	Rows        []Row
	Privates    []Private
	Salts       []Salt
	Checkpoints [][]byte
	// Held are checkpoints that somebody kept outside of the hub.
	Held [][]byte
	// From and To bound a stretch; zero for a whole chain. Made is when the
	// stretch was taken out.
	From, To, Made time.Time
	// Anonymous stretches were taken out without what is personal.
	Anonymous bool
}

// Report is what a check found.
type Report struct {
	Problems    []string
	Records     int
	Checkpoints int
	// Unsigned counts the records after the last checkpoint.
	Unsigned int
	// Restores are the places where the record went on from a backup.
	Restores []Restore
}

type checker struct {
	Material
	Report
	hashes  map[uint64]protocol.Digest
	records []Record
}

// Check recomputes a chain: each record from its own bytes and the one before,
// each person's part from its commitment, each checkpoint by what open says: who
// may sign for the hub at that time. It names every record that was removed, changed or swapped.
func Check(m Material, open func(sealed []byte) (Checkpoint, error)) Report {
	c := checker{Material: m, hashes: map[uint64]protocol.Digest{}}
	c.rows()
	c.privates()
	c.checkpoints(open)
	return c.Report
}

func (c *checker) problem(format string, args ...any) {
	c.Problems = append(c.Problems, "audit: "+fmt.Sprintf(format, args...))
}

func (c *checker) rows() {
	slices.SortStableFunc(c.Rows, func(a, b Row) int { return cmp.Compare(a.Seq, b.Seq) })
	whole := c.From.IsZero()
	next, prev := uint64(1), protocol.Digest{}
	for i, row := range c.Rows {
		if i == 0 && !whole {
			next = row.Seq
		}
		hash := Hash(row.Bytes)
		r, err := protocol.Unmarshal[Record](row.Bytes, MaxRecord)
		switch {
		case err != nil:
			c.problem("record %d cannot be read: %v", row.Seq, err)
		case r.Seq != row.Seq:
			c.problem("record %d stands in the place of record %d", r.Seq, row.Seq)
		case string(row.Hash) != string(hash[:]):
			c.problem("record %d was changed", row.Seq)
		}
		switch {
		case row.Seq == next+1:
			c.problem("record %d was removed", next)
		case row.Seq > next:
			c.problem("records %d to %d were removed", next, row.Seq-1)
		case err == nil && r.Seq == row.Seq && r.Prev != prev && (i > 0 || whole):
			c.problem("record %d does not follow the one before it, which was changed or swapped", row.Seq)
		}
		if err == nil {
			c.records = append(c.records, r)
			if back, ok := restoreOf(r); ok {
				c.Restores = append(c.Restores, back)
			}
		}
		// What stands here is judged by its own bytes: one change is named once.
		c.hashes[row.Seq], next, prev = hash, row.Seq+1, hash
	}
	c.Records = len(c.Rows)
	if !whole && len(c.records) > 0 && c.records[0].Seq > 1 && !c.records[0].At.Time().Before(c.From) {
		c.problem("the stretch begins with record %d, inside of the days asked for: earlier ones may be missing", c.records[0].Seq)
	}
}

// privates checks every part that records name: it is there and as it was bound,
// or its person's data were erased by an act that stands in the chain.
func (c *checker) privates() {
	type key struct {
		seq   uint64
		alias string
	}
	if c.Anonymous {
		return
	}
	held, salts, erased := map[key][]byte{}, map[string][]byte{}, map[string]bool{}
	for _, p := range c.Privates {
		held[key{p.Seq, p.Alias}] = p.Bytes
	}
	for _, s := range c.Salts {
		salts[s.Alias] = s.Salt
	}
	for _, r := range c.records {
		if r.Act == Erased {
			erased[r.About] = true
		}
	}
	// What follows a stretch may have erased somebody in it.
	whole := c.To.IsZero()
	for _, r := range c.records {
		for _, p := range r.Parts {
			b, there := held[key{r.Seq, p.Alias}]
			delete(held, key{r.Seq, p.Alias})
			salt := salts[p.Alias]
			switch {
			case !there && (erased[p.Alias] || !whole && salt == nil):
			case !there:
				c.problem("who and from where of record %d were removed, and no act says so", r.Seq)
			case salt == nil || Commit(salt, r.Seq, p.Alias, b) != p.Commitment:
				c.problem("who or from where of record %d was changed", r.Seq)
			}
		}
	}
	for k := range held {
		c.problem("something personal stands beside record %d that the record does not know", k.seq)
	}
}

func (c *checker) checkpoints(open func([]byte) (Checkpoint, error)) {
	last := uint64(0)
	if n := len(c.Rows); n > 0 {
		last = c.Rows[n-1].Seq
	}
	numbers := map[uint64]bool{}
	var signed, newest uint64
	var at time.Time
	for i, sealed := range slices.Concat(c.Material.Checkpoints, c.Held) {
		outside := i >= len(c.Material.Checkpoints)
		p, err := open(sealed)
		if err != nil {
			c.problem("a checkpoint: %v", err)
			continue
		}
		if !outside {
			numbers[p.Number], newest = true, max(newest, p.Number)
		}
		hash, there := c.hashes[p.Seq]
		lost, took := c.took(p)
		switch {
		case outside && took && hash != p.Hash:
			what := fmt.Sprintf("records %d to %d, which checkpoint %d of an export signs, were", lost.Seq, p.Seq, p.Number)
			if lost.Seq == p.Seq {
				what = fmt.Sprintf("record %d, which checkpoint %d of an export signs, was", p.Seq, p.Number)
			}
			c.problem("%s lost with the restore that record %d tells of", what, lost.Seq)
		case p.Seq > last:
			c.problem("the chain ends at record %d, yet checkpoint %d signs record %d: the end was cut off", last, p.Number, p.Seq)
		case !there && c.From.IsZero():
			c.problem("checkpoint %d signs record %d, which is missing", p.Number, p.Seq)
		case there && hash != p.Hash:
			c.problem("record %d is not what checkpoint %d signs: the chain was written anew", p.Seq, p.Number)
		default:
			if p.Seq >= signed {
				signed, at = p.Seq, p.At.Time()
			}
		}
	}
	c.Report.Checkpoints = len(numbers)
	if c.From.IsZero() {
		for n := uint64(1); n < newest; n++ {
			if !numbers[n] {
				c.problem("checkpoint %d was removed", n)
			}
		}
	}
	c.Unsigned = int(last - min(last, signed))
	if !c.From.IsZero() {
		c.ends(at)
	}
}

// took finds the restore that lost what a checkpoint signs.
func (c *checker) took(p Checkpoint) (Restore, bool) {
	for _, r := range c.Restores {
		if r.Seq <= p.Seq && p.At.Time().Before(r.At) {
			return r, true
		}
	}
	return Restore{}, false
}

// ends asks that a stretch is signed to its end, and reaches the last day asked
// for or the moment at which it was taken out.
func (c *checker) ends(at time.Time) {
	switch {
	case c.Unsigned > 0:
		c.problem("%d records at the end of the stretch are not signed by a checkpoint", c.Unsigned)
	case len(c.Rows) > 0 && at.Before(c.To) && at.Before(c.Made):
		c.problem("the stretch ends at %s, before the last day asked for", at.Format(time.RFC3339))
	}
}
