// Package programme puts what was approved on air: it turns a wish into an
// airing for units' plans, takes airings back, and stops what sounds. It decides
// whether an airing lies within its approval and says beforehand what it will
// do. It never signs for people and never talks to devices.
package programme

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// Lead is how long after its publication what is aired "now" starts, so that it
// starts everywhere at once. An emergency does not wait for that.
const Lead = 500 * time.Millisecond

// Airing is an airing as it stands in the plans of its units.
type Airing struct {
	// Wire is the airing in the first unit's plan; in the others' only Unit differs.
	Wire      protocol.Airing
	Units     []protocol.UnitID
	Bulletin  protocol.BulletinID
	Title     string
	Statement protocol.Digest
	Approval  protocol.Digest // of the encoded protocol.Approval
	First     time.Time       // of its starts
	Last      time.Time       // when its last start's window ends
	Withdrawn time.Time       // zero if not
	CreatedBy protocol.PersonID
}

// In returns the airing for one unit's plan.
func (a Airing) In(unit protocol.UnitID) protocol.Airing {
	w := a.Wire
	w.Unit = unit
	return w
}

// sirenRoom is how long the siren may sound before a pass's own sound, which
// still ends within the pass.
const sirenRoom = 8 * time.Second

// spoken estimates generously how long a text takes to say: ten letters a
// second and five seconds. It bounds an emergency whose sound did not arrive.
func spoken(text string) time.Duration {
	return 5*time.Second + time.Duration(utf8.RuneCountInString(text))*time.Second/10
}

// localTime writes an instant as an airing's start, to the millisecond.
func localTime(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02T15:04:05.000")
}

// draft is what an airing is made from.
type draft struct {
	id       protocol.AiringID
	request  approval.Request
	wish     bulletin.Wish
	bulletin protocol.Content
	approval protocol.Content
	by       protocol.PersonID
	zone     *time.Location
	now      time.Time
	timing   *timing // of a programme's item; else the wish says
}

// build makes the airing that a wish asks for, published now.
func (d draft) build() (Airing, error) {
	frozen, err := protocol.Unmarshal[protocol.Bulletin](d.request.Bulletin.Bytes, protocol.MaxBulletin)
	if err != nil {
		return Airing{}, fmt.Errorf("air: %w", err)
	}
	w := d.wish
	a := protocol.Airing{
		ID: d.id, Unit: w.Units[0], Class: frozen.Class, Bulletin: d.bulletin, Approval: d.approval,
		Start: w.Start, Approved: protocol.InstantOf(d.request.Approved), Published: protocol.InstantOf(d.now),
		Volume: uint64(w.VolumeOrDefault()), Replaces: w.Replaces, Drill: w.Drill,
	}
	switch {
	case frozen.Sound != nil:
		content := frozen.Sound.Content
		a.Sound, a.SoundFor = &content, protocol.MillisOf(frozen.Sound.Length())
	case frozen.Relay != nil:
		// Nothing has to be there beforehand but the bulletin itself.
		content := d.bulletin
		a.Sound, a.SoundFor = &content, frozen.Relay.Length
	}
	if frozen.Board != nil {
		for _, s := range frozen.Board.Sizes {
			a.BoardFor = max(a.BoardFor, s.Length)
		}
		if a.BoardFor > 0 {
			a.BoardZone = frozen.Board.Zone
		}
	}
	if frozen.Class == protocol.ClassEmergency {
		d.emergency(&a, frozen)
	} else if err := d.ordinary(&a); err != nil {
		return Airing{}, err
	}
	out := Airing{
		Wire: a, Units: w.Units, Bulletin: d.request.Bulletin.ID, Title: frozen.Title, Statement: d.request.Digest,
		Approval: d.approval.Digest, CreatedBy: d.by,
	}
	if err := out.span(d.zone, d.request.Statement.LastDay); err != nil {
		return Airing{}, err
	}
	return out, a.Validate()
}

func (d draft) emergency(a *protocol.Airing, frozen protocol.Bulletin) {
	// The siren may sound until the bulletin's own sound has arrived.
	if a.SoundFor > 0 {
		a.SoundFor += protocol.MillisOf(sirenRoom)
	}
	a.SoundFor = min(max(a.SoundFor, protocol.MillisOf(spoken(frozen.Text))), protocol.MillisOf(protocol.MaxPass))
	start := d.now
	if d.wish.When == bulletin.Now {
		a.Start = localTime(start, d.zone)
	} else if t, err := schedule.ParseLocalTime(a.Start); err == nil {
		start = t.In(d.zone)
	}
	length := max(a.SoundFor, a.BoardFor).Duration()
	a.Passes = uint64(d.wish.PassesOrDefault())
	a.Every = protocol.MillisOf(d.wish.EveryOrDefault(length))
	a.Until = protocol.InstantOf(start.Add(d.wish.ValidityOrDefault()))
}

func (d draft) ordinary(a *protocol.Airing) error {
	w := d.wish
	if t := d.timing; t != nil {
		a.Start, a.Rule, a.ExDates, a.RDates = t.slot.Start, t.slot.Rule, t.slot.ExDates, t.slot.RDates
		a.Lateness, a.Order, a.AfterCut, a.Volume = protocol.MillisOf(t.lateness), t.order, t.afterCut, uint64(t.volume)
		a.Replaces, a.Night = t.replaces, d.request.Statement.Night
		return nil
	}
	if w.When == bulletin.Now {
		a.Start = localTime(d.now.Add(Lead), d.zone)
	} else {
		a.Rule, a.ExDates, a.RDates = w.Rule, w.ExDates, w.RDates
	}
	if err := d.bound(a); err != nil {
		return err
	}
	a.Lateness, a.Order, a.Night = protocol.MillisOf(w.LatenessOrDefault()), int64(w.Order), w.Night
	if w.AfterCut != "" {
		cut, err := protocol.ParseName[protocol.AfterCut](w.AfterCut)
		if err != nil {
			return fmt.Errorf("after_cut: %w", err)
		}
		a.AfterCut = cut
	}
	return nil
}

// bound leaves out the starts after the last day approved: devices would refuse them, and
// reports would count them as missed.
func (d draft) bound(a *protocol.Airing) error {
	last, err := time.ParseInLocation(time.DateOnly, string(d.request.Statement.LastDay), d.zone)
	if err != nil {
		return fmt.Errorf("last day: %w", protocol.ErrInvalid)
	}
	a.RDates = slices.DeleteFunc(slices.Clone(a.RDates), func(at string) bool { return at > string(d.request.Statement.LastDay)+"T24" })
	if a.Rule == "" {
		return nil
	}
	r, err := schedule.RecurrenceOf(*a)
	if err != nil {
		return fmt.Errorf("airing %s: %w", a.ID, err)
	}
	for range schedule.Expand(r, d.zone, last.AddDate(0, 0, 1), time.Time{}) {
		a.Rule = until(a.Rule, last)
		break
	}
	return nil
}

// span works out the first start and the end of the last one's window, within
// the days approved.
func (a *Airing) span(zone *time.Location, lastDay protocol.Date) error {
	r, err := schedule.RecurrenceOf(a.Wire)
	if err != nil {
		return fmt.Errorf("airing %s: %w", a.Wire.ID, err)
	}
	end, err := time.ParseInLocation(time.DateOnly, string(lastDay), zone)
	if err != nil {
		return fmt.Errorf("airing %s: %w", a.Wire.ID, err)
	}
	end = end.AddDate(0, 0, 1)
	for t := range schedule.Expand(r, zone, a.Wire.Published.Time().Add(-Lead), end) {
		if a.First.IsZero() {
			a.First = t
		}
		a.Last = t
	}
	if a.First.IsZero() {
		a.First = a.Wire.Published.Time()
		a.Last = a.First
	}
	length := max(a.Wire.SoundFor, a.Wire.BoardFor).Duration()
	a.Last = a.Last.Add(length + a.Wire.Lateness.Duration())
	if a.Wire.Class == protocol.ClassEmergency {
		a.Last = a.Wire.Until.Time().Add(length)
	}
	return nil
}
