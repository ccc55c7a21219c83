package schedule

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWhateverHappens: airings told late and twice, stops, faults, crashes, a
// clock set back and forth, quiet hours changed, things forgotten: nothing begins
// after its outcome or without a record, nothing has two outcomes, one sound at a
// time, and every wake is later than its step (rules 3 and 9).
func TestWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 23))}
		p, err := readPlan(g.plan())
		if err != nil {
			t.Fatal(err)
		}
		p.config.MaxLag = pick(g, 0, time.Second, time.Hour)
		l := newLive(t, p.config)
		now := p.config.From.UnixMilli() - 1000
		sounding := ""
		step := func(events ...Event) {
			e := l.m.Step(fromMs(now, time.UTC), events...)
			for _, a := range e.Actions {
				switch key := keyText(a.Sound.Key); {
				case a.Act == ActBegin && sounding != "":
					t.Fatalf("%s begins while %s sounds", key, sounding)
				case a.Act == ActBegin:
					sounding = key
				case sounding != key:
					t.Fatalf("%s ends while %q sounds", key, sounding)
				default:
					sounding = ""
				}
			}
			if (e.Sounding == nil) != (sounding == "") || (e.Sounding != nil && keyText(e.Sounding.Key) != sounding) {
				t.Fatalf("%v sounds, %q by the actions", e.Sounding, sounding)
			}
			if !e.Wake.IsZero() && e.Wake.UnixMilli() <= now {
				t.Fatalf("wake %v is not after %v", e.Wake, fromMs(now, time.UTC))
			}
			l.take(e)
		}
		for range 60 {
			switch do := g.rng.IntN(20); {
			case do < 6 && l.m.wake < never:
				now = l.m.wake + pick(g, int64(0), 0, 3, 5000)
			case do < 12:
				now = max(now, g.near())
			case do == 12:
				now = g.near() - pick(g, int64(0), 3600000)
			default:
				now += pick(g, int64(0), 1, 1000, 60000)
			}
			var events []Event
			for g.chance(40) {
				events = append(events, l.anything(g, p))
			}
			step(events...)
			if g.chance(5) {
				l.crash(p.config, fromMs(l.m.now, time.UTC))
				sounding = ""
				e := l.m.Step(fromMs(now, time.UTC), Event{Kind: EventOn})
				if e.Sounding != nil {
					sounding = keyText(e.Sounding.Key)
				}
				l.take(e)
			}
			if g.chance(5) {
				if err := l.m.SetQuiet(p.config.Quiet[:g.rng.IntN(len(p.config.Quiet)+1)]); err != nil {
					t.Fatal(err)
				}
			}
			if g.chance(5) {
				f := l.m.Forget(fromMs(now-pick(g, int64(0), 60000, 3600000), time.UTC))
				p.config.From = f.Before
				for _, k := range f.Records {
					delete(l.kept, keyText(k))
				}
				for _, id := range f.Airings {
					delete(l.kept, id)
				}
			}
		}
	})
}

// anything returns a random event.
func (l *live) anything(g *generator, p *plan) Event {
	a := &p.airings[g.rng.IntN(len(p.airings))]
	if g.chance(40) || len(p.events) == 0 {
		return Event{Kind: EventAiring, New: a}
	}
	if o := l.m.sounding; o != nil && g.chance(20) {
		return Event{Kind: EventFault, Airing: o.of.spec.ID, Start: fromMs(o.start, time.UTC), Silent: g.chance(50)}
	}
	e := p.events[g.rng.IntN(len(p.events))].Event
	if e.Kind == EventStop || e.Kind == EventWithdraw {
		e.At = pick(g, e.At, time.Time{}, fromMs(g.near(), time.UTC))
	}
	return e
}
