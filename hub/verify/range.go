package verify

import (
	"cmp"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Between takes a stretch of days out of the whole material, so that it can be
// checked elsewhere: all that was signed about who may what, the plans that
// stood, the receipts since then, and the records up to the first checkpoint
// after the days. made is when it is taken out.
func (m Material) Between(from, to, made time.Time) Material {
	out := m
	out.From, out.To, out.Stretch = from, to, true
	out.Plans = plansOf(m.Plans, from, to)
	out.Heads, out.Entries = receiptsOf(m.Heads, m.Entries, from)
	out.Audit = recordsOf(m.Audit, from, to, made)
	return out
}

// plansOf keeps what was published on the days, and what stood before.
func plansOf(plans []Plan, from, to time.Time) []Plan {
	standing := map[protocol.UnitID]int{}
	for i, p := range plans {
		if held, ok := standing[p.Unit]; p.At.Before(from) && (!ok || plans[held].At.Before(p.At)) {
			standing[p.Unit] = i
		}
	}
	var out []Plan
	for i, p := range plans {
		if held, ok := standing[p.Unit]; ok && held == i || !p.At.Before(from) && p.At.Before(to) {
			out = append(out, p)
		}
	}
	return out
}

// receiptsOf keeps what came since then, with the signed head that each chain
// goes on from.
func receiptsOf(heads []Head, entries []Entry, from time.Time) ([]Head, []Entry) {
	var late []Entry
	first := map[chainKey]bool{}
	for _, e := range entries {
		if !e.Received.Before(from) {
			late = append(late, e)
			first[chainKey{e.Device, e.Chain}] = true
		}
	}
	var kept []Head
	before := map[chainKey]Head{}
	for _, h := range heads {
		k := chainKey{h.Device, h.Chain}
		switch {
		case !h.Received.Before(from):
			kept = append(kept, h)
		case first[k] && h.Seq >= before[k].Seq:
			before[k] = h
		}
	}
	for _, h := range before {
		kept = append(kept, h)
	}
	slices.SortStableFunc(kept, func(a, b Head) int { return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Seq, b.Seq)) })
	return kept, late
}

// recordsOf keeps the records of the days, the one before them, and those up to
// the first checkpoint after.
func recordsOf(m audit.Material, from, to, made time.Time) audit.Material {
	out := audit.Material{From: from, To: to, Made: made}
	first, last := 0, -1
	for i, row := range m.Rows {
		r, err := protocol.Unmarshal[audit.Record](row.Bytes, audit.MaxRecord)
		if err != nil {
			last = i // what cannot be read is taken along and named
			continue
		}
		if r.At.Time().Before(from) {
			first = i
		}
		if r.At.Time().Before(to) {
			last = i
		}
	}
	// A checkpoint is believed only where the stretch is checked.
	end := uint64(0)
	if last >= 0 {
		end = m.Rows[last].Seq
	}
	for _, sealed := range m.Checkpoints {
		c, err := audit.PeekCheckpoint(sealed)
		if err != nil || last < 0 || c.Seq < m.Rows[first].Seq {
			continue
		}
		out.Checkpoints = append(out.Checkpoints, sealed)
		if c.Seq >= end && c.At >= min(protocol.InstantOf(to), protocol.InstantOf(made)) {
			end = c.Seq
			break
		}
	}
	within := map[uint64]bool{}
	for _, row := range m.Rows[first:] {
		if row.Seq <= end {
			out.Rows = append(out.Rows, row)
			within[row.Seq] = true
		}
	}
	aliases := map[string]bool{}
	for _, p := range m.Privates {
		if within[p.Seq] {
			out.Privates = append(out.Privates, p)
			aliases[p.Alias] = true
		}
	}
	for _, s := range m.Salts {
		if aliases[s.Alias] {
			out.Salts = append(out.Salts, s)
		}
	}
	return out
}

// touches says whether an airing has a start on the days that are asked for.
func (c *checker) touches(a *reach.Aired) bool {
	if c.From.IsZero() && c.To.IsZero() {
		return true
	}
	starts, err := reach.Starts(a.Airing, c.Zone, c.end())
	return err != nil || slices.ContainsFunc(starts, c.within)
}

// end is until when starts count.
func (c *checker) end() time.Time {
	if c.To.IsZero() || c.Now.Before(c.To) {
		return c.Now
	}
	return c.To
}

func (c *checker) within(t time.Time) bool {
	return !t.Before(c.From) && (c.To.IsZero() || t.Before(c.To))
}

// audit checks the record of acts; its checkpoints by who stood for the hub then.
func (c *checker) audit() {
	r := audit.Check(c.Material.Audit, func(sealed []byte) (audit.Checkpoint, error) {
		var p audit.Checkpoint
		err := c.during(turnover, func(chain *envelope.Chain) (protocol.Instant, error) {
			var err error
			p, err = audit.OpenCheckpoint(sealed, func(id protocol.KeyID) (protocol.Key, bool) {
				for _, d := range chain.Delegations() {
					if d.Role == protocol.RoleHub && d.Key.ID() == id {
						return d.Key, true
					}
				}
				return protocol.Key{}, false
			})
			return p.At, err
		})
		return p, err
	})
	c.Problems = append(c.Problems, r.Problems...)
	c.Records, c.Checkpoints, c.Unsigned = r.Records, r.Checkpoints, r.Unsigned
	c.Restores = r.Restores
}
