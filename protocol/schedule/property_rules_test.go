package schedule

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/protocol"
)

// TestOneOutcomeAnOccurrence: every owed start has exactly one outcome, and
// nothing else has any. Only a withdrawal or a replacement lets one vanish
// (SCHEDULE.md 1 and 9).
func TestOneOutcomeAnOccurrence(t *testing.T) {
	checkPlans(t, func(t *rapid.T, p *plan, input []byte, _ *generator) {
		mayVanish := map[protocol.AiringID]bool{}
		for _, a := range p.airings {
			if a.Replaces != "" {
				mayVanish[a.ID], mayVanish[a.Replaces] = true, true
			}
		}
		for _, e := range p.events {
			if e.Kind == EventWithdraw {
				mayVanish[e.Airing] = true
			}
		}
		owed := map[string]bool{}
		for i := range p.airings {
			a := &p.airings[i]
			for s := range Expand(a.Recurrence, p.config.Zone, p.config.From, p.config.To) {
				if a.Class == protocol.ClassEmergency || !s.Before(a.Published) {
					owed[keyText(Key{a.ID, s})] = mayVanish[a.ID]
				}
			}
		}
		for _, f := range timelineOf(t, p) {
			if _, once := owed[keyText(f.Key)]; !once {
				t.Fatalf("%v is not owed, or has two outcomes\n%s", f.Key, input)
			}
			delete(owed, keyText(f.Key))
		}
		for k, vanished := range owed {
			if !vanished {
				t.Fatalf("%s has no outcome\n%s", k, input)
			}
		}
	})
}

// span is a time from one instant to another, which it does not contain, in ms.
type span [2]int64

// covered says whether spans leave nothing of a time bare.
func covered(time span, by []span) bool {
	slices.SortFunc(by, func(a, b span) int { return cmp.Compare(a[0], b[0]) })
	at := time[0]
	for _, s := range by {
		if s[0] <= at {
			at = max(at, s[1])
		}
	}
	return at >= time[1]
}

// heldBackSpans are the times at which the device was off or muted.
func heldBackSpans(p *plan) []span {
	var out []span
	off, muted := never, never
	for _, e := range p.events {
		switch at := e.at; {
		case at < p.config.From.UnixMilli():
		case e.Kind == EventOff:
			off = min(off, at)
		case e.Kind == EventMute:
			muted = min(muted, at)
		case e.Kind == EventOn && off != never:
			out, off = append(out, span{off, at}), never
		case e.Kind == EventUnmute && muted != never:
			out, muted = append(out, span{muted, at}), never
		}
	}
	return append(out, span{off, never}, span{muted, never})
}

// quietSpans are the times at which quiet hours let nothing of a length begin.
func quietSpans(p *plan, length, until int64) []span {
	q := NewQuiet(p.config.Zone, p.config.Path, p.config.Quiet)
	var out []span
	for day := p.config.From.Unix()/secondsPerDay - 4; day < until/1000/secondsPerDay+4; day++ {
		for _, period := range q.periods {
			if from, to := q.resolve(period, day); from < to {
				out = append(out, span{from - length + 1, to})
			}
		}
	}
	return out
}

// passesDue returns from when each pass of an emergency could have begun and when
// it did, or, of one that never did, until when it could have.
func passesDue(a *Airing, f Final, from int64, held []span) []span {
	until := a.Until.UnixMilli()
	due := max(f.Start.UnixMilli(), from, a.Arrives.UnixMilli())
	passes, every := max(a.Passes, 1), max(a.Every, a.Length).Milliseconds()
	var out []span
	for _, s := range f.Plays {
		begin, end := s.From.UnixMilli(), s.To.UnixMilli()
		out = append(out, span{due, begin})
		interrupted := end-begin < a.Length.Milliseconds() &&
			slices.ContainsFunc(held, func(h span) bool { return h[0] <= end && end < h[1] })
		if due = end; !interrupted {
			due = max(end, begin+every)
			passes--
		}
	}
	if passes > 0 && due < until {
		out = append(out, span{due, until})
	}
	return out
}

// interruptPasses adds a short time of off or mute to some passes.
func interruptPasses(p *plan, finals []Final, emergencies map[protocol.AiringID]*Airing, g *generator) {
	for _, f := range finals {
		if emergencies[f.Airing] == nil || len(f.Plays) == 0 || !g.chance(30) {
			continue
		}
		s := f.Plays[g.rng.IntN(len(f.Plays))]
		at := s.From.UnixMilli() + g.rng.Int64N(s.To.Sub(s.From).Milliseconds())
		kinds := pick(g, [2]Kind{EventOff, EventOn}, [2]Kind{EventMute, EventUnmute})
		for i, kind := range kinds {
			p.events = append(p.events, timed{at: at + int64(i)*pick(g, int64(1), 1000, 20000), Event: Event{Kind: kind}})
		}
	}
	slices.SortStableFunc(p.events, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
}

// TestNoEmergencyIsDelayed: between the instant at which a pass of an emergency
// is due and its beginning the device is off or muted, or a pass sounds for which
// it has to wait: of an actual emergency, for a drill of any; a drill waits for
// the end of quiet hours as well (rule 4). Nothing else holds one up.
func TestNoEmergencyIsDelayed(t *testing.T) {
	waited := map[bool]int{}
	checkPlans(t, func(t *rapid.T, p *plan, input []byte, g *generator) {
		// What ends an emergency early is not this test's matter.
		p.events = slices.DeleteFunc(p.events, func(e timed) bool { return e.Kind == EventStop || e.Kind == EventWithdraw })
		emergencies := map[protocol.AiringID]*Airing{}
		for i := range p.airings {
			a := &p.airings[i]
			a.Replaces, a.Supersedes = "", ""
			if a.Class == protocol.ClassEmergency {
				emergencies[a.ID] = a
			}
		}
		finals := timelineOf(t, p)
		interruptPasses(p, finals, emergencies, g)
		finals = timelineOf(t, p)
		held := heldBackSpans(p)
		for _, f := range finals {
			a := emergencies[f.Airing]
			if a == nil {
				continue
			}
			excuses := slices.Clone(held)
			for _, other := range finals {
				if o := emergencies[other.Airing]; o != nil && (a.Drill || !o.Drill) {
					for _, s := range other.Plays {
						excuses = append(excuses, span{s.From.UnixMilli(), s.To.UnixMilli()})
					}
				}
			}
			if a.Drill {
				excuses = append(excuses, quietSpans(p, a.Length.Milliseconds(), a.Until.UnixMilli())...)
			}
			for i, s := range passesDue(a, f, p.config.From.UnixMilli(), held) {
				if s[0] < s[1] {
					waited[a.Drill]++
				}
				if !covered(s, excuses) {
					t.Fatalf("pass %d of %s, due at %v, waited until %v for nothing\n%s", i+1, a.ID,
						time.UnixMilli(s[0]).UTC(), time.UnixMilli(s[1]).UTC(), input)
				}
			}
		}
	})
	if waited[false] == 0 || waited[true] == 0 {
		t.Errorf("no emergency, or no drill, had to wait: %v", waited)
	}
}
