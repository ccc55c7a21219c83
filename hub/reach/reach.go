// Package reach computes the one auditable figure: who was reached by a
// bulletin, village by village, and why not. It decides by a formula
// (DESIGN.md, section 6) from what was expected, what devices signed, where they
// stood and whom they served. It keeps nothing and never calls "heard" what is
// only known to be played.
package reach

import (
	"cmp"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Expected is one occurrence that a device owes an outcome for, on one medium.
type Expected struct {
	Airing protocol.AiringID
	Device protocol.DeviceID
	Medium protocol.Medium
	Start  time.Time
	// Due is when an outcome must exist: the window's end.
	Due time.Time
}

// Answer is a device's signed word on an occurrence.
type Answer struct {
	Outcome protocol.Outcome
	Reason  protocol.Reason
	Proof   protocol.Proof
	Began   time.Time
	Ended   time.Time
	Frames  uint64
	Voice   protocol.Voice
	// Pixels are the digests of the pages that a board showed; nil if they were not
	// kept, which an older hub did not.
	Pixels []protocol.Digest
	// Keyed is when somebody at the board ended this emergency, zero if nobody did.
	Keyed time.Time
	// Seen is what saw a board show it; nil if nothing did.
	Seen *Sighting
	// Lit: a light sensor measured light before the board meanwhile. It is no level of
	// proof: any lamp is bright.
	Lit bool
}

// Key names an occurrence on a device and medium.
type Key struct {
	Airing protocol.AiringID
	Device protocol.DeviceID
	Medium protocol.Medium
	Start  int64 // ms
}

// Key returns the occurrence's key.
func (e Expected) Key() Key { return Key{e.Airing, e.Device, e.Medium, e.Start.UnixMilli()} }

// Village is a village with its people.
type Village struct {
	ID     protocol.UnitID
	Name   string
	People uint64
}

// Input is what a report is computed from.
type Input struct {
	Expected []Expected
	Answers  map[Key]Answer
	// Serves lists, for each device, whom it served at the time.
	Serves   map[protocol.DeviceID][]protocol.Share
	Villages []Village
	Now      time.Time
}

// Began is the first start of what was expected; the present if nothing was. The people
// and villages of then are those of a report: what is counted, merged or moved later
// changes no figure of before.
func (in Input) Began() time.Time {
	if len(in.Expected) == 0 {
		return in.Now
	}
	return slices.MinFunc(in.Expected, func(a, b Expected) int { return a.Start.Compare(b.Start) }).Start
}

// Line is one expected occurrence and what became of it.
type Line struct {
	Expected
	// Answer is nil while nothing is known.
	Answer *Answer
	// Ahead is true while its window has not ended and nothing is known.
	Ahead bool
}

// Count sums lines up. Expected = Played + Cut + Skipped + Unknown + Ahead.
type Count struct {
	Expected int `json:"expected"`
	Played   int `json:"played"`
	Cut      int `json:"cut"`
	Skipped  int `json:"skipped"`
	Unknown  int `json:"unknown"`
	Ahead    int `json:"ahead"`
}

// Reached is a village's figure.
type Reached struct {
	Village
	// Reached is how many people live where the whole was played or shown.
	Reached float64
	// Unknown is how many more there would be if all unknown ones had played.
	Unknown float64
	// Devices lists the devices that serve it, and whether each played the whole.
	Devices []Served
}

// Served is a device's part in a village's figure.
type Served struct {
	Device protocol.DeviceID
	Share  uint64 // thousandths
	Played bool
	// Reason says why not; ReasonNone with Unknown set if nothing is known.
	Reason  protocol.Reason
	Unknown bool
}

// Report is the figure with all that it is made of.
type Report struct {
	Count    Count
	Lines    []Line
	Villages []Reached
	People   uint64
	Reached  float64
	Unknown  float64
}

// played says whether an answer proves that the whole was played or shown: by
// the sound card's word, or by the board's.
func played(m protocol.Medium, a Answer) bool {
	if a.Outcome != protocol.OutcomePlayed {
		return false
	}
	if m == protocol.MediumBoard {
		return a.Proof >= protocol.ProofShown
	}
	return a.Proof == protocol.ProofConsumed || a.Proof == protocol.ProofRecognised
}

// Compute returns the report. Reached(village) = people x min(1, sum of shares
// of the devices that played the whole at least once); a device counts once,
// however often and by however many media.
func Compute(in Input) Report {
	var r Report
	type state struct {
		played, unknown bool
		reason          protocol.Reason
	}
	devices := map[protocol.DeviceID]*state{}
	for _, e := range in.Expected {
		line := Line{Expected: e}
		s := devices[e.Device]
		if s == nil {
			s = &state{}
			devices[e.Device] = s
		}
		r.Count.Expected++
		a, ok := in.Answers[e.Key()]
		switch {
		case !ok && !in.Now.After(e.Due):
			r.Count.Ahead++
			line.Ahead = true
			s.unknown = true
		case !ok:
			r.Count.Unknown++
			s.unknown = true
		default:
			line.Answer = &a
			r.Count.add(a.Outcome)
			if played(e.Medium, a) {
				s.played = true
			} else if a.Outcome == protocol.OutcomeLost {
				s.unknown = true
			}
			if a.Reason != protocol.ReasonNone {
				s.reason = a.Reason
			}
		}
		r.Lines = append(r.Lines, line)
	}
	slices.SortFunc(r.Lines, func(a, b Line) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Airing, b.Airing), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Medium, b.Medium))
	})
	for _, v := range in.Villages {
		out := Reached{Village: v}
		var sure, maybe uint64
		for device, shares := range in.Serves {
			s := devices[device]
			for _, share := range shares {
				if share.Village != v.ID || s == nil {
					continue
				}
				served := Served{Device: device, Share: share.Share, Played: s.played, Reason: s.reason, Unknown: s.unknown && !s.played}
				switch {
				case s.played:
					sure += share.Share
					served.Reason = protocol.ReasonNone
				case s.unknown:
					maybe += share.Share
				}
				out.Devices = append(out.Devices, served)
			}
		}
		slices.SortFunc(out.Devices, func(a, b Served) int { return cmp.Compare(a.Device, b.Device) })
		people := float64(v.People)
		out.Reached = people * float64(min(1000, sure)) / 1000
		out.Unknown = people*float64(min(1000, sure+maybe))/1000 - out.Reached
		r.People += v.People
		r.Reached += out.Reached
		r.Unknown += out.Unknown
		r.Villages = append(r.Villages, out)
	}
	return r
}

func (c *Count) add(o protocol.Outcome) {
	switch o {
	case protocol.OutcomePlayed:
		c.Played++
	case protocol.OutcomeCut:
		c.Cut++
	case protocol.OutcomeSkipped:
		c.Skipped++
	default:
		c.Unknown++
	}
}
