package schedule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loa-vn/loa/protocol"
)

// drawPlan makes a random plan, read and as text.
func drawPlan(t *rapid.T) (*plan, []byte, *generator) {
	g := &generator{rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 11))}
	input := g.plan()
	p, err := readPlan(input)
	if err != nil {
		t.Fatalf("%v\n%s", err, input)
	}
	return p, input, g
}

// checkPlans checks a property of random plans: ten a draw, so that rare endings
// are among them.
func checkPlans(t *testing.T, check func(*rapid.T, *plan, []byte, *generator)) {
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			p, input, g := drawPlan(t)
			check(t, p, input, g)
		}
	})
}

// timelineOf returns the outcomes of a plan as Timeline has them.
func timelineOf(t *rapid.T, p *plan) []Final {
	m, err := run(p.config, p.airings, p.events)
	if err != nil {
		t.Fatal(err)
	}
	var out []Final
	for _, o := range m.outcomes() {
		out = append(out, m.final(o))
	}
	return out
}

// TestOrderIsTotal: of two different occurrences exactly one comes first, and the
// order is transitive (rules 4 and 5).
func TestOrderIsTotal(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) *occurrence {
		small := rapid.Int64Range(0, 1)
		spec := &Airing{
			ID:    protocol.AiringID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")),
			Class: rapid.SampledFrom([]protocol.Class{protocol.ClassNormal, protocol.ClassPriority}).Draw(t, "class"),
			Order: small.Draw(t, "order"),
			Drill: rapid.Bool().Draw(t, "drill"),
		}
		return &occurrence{
			of:    &airing{spec: spec, depth: int(small.Draw(t, "depth")), approved: small.Draw(t, "approved")},
			start: small.Draw(t, "start"), whole: int(small.Draw(t, "whole")),
			ended: rapid.SampledFrom([]int64{minInstant, 0, 1}).Draw(t, "ended"),
		}
	})
	for name, compare := range map[string]func(a, b *occurrence) int{"ordinary": compareOrdinary, "emergencies": compareEmergencies} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				a, b, c := draw.Draw(t, "a"), draw.Draw(t, "b"), draw.Draw(t, "c")
				ab, ba := compare(a, b), compare(b, a)
				if ab != -ba {
					t.Fatalf("a to b %d, b to a %d", ab, ba)
				}
				if ab == 0 && (a.of.spec.ID != b.of.spec.ID || a.start != b.start) {
					t.Fatal("two different occurrences are equal")
				}
				if ab <= 0 && compare(b, c) <= 0 && compare(a, c) > 0 {
					t.Fatal("not transitive")
				}
				// What differs in its name alone is found by no luck of the draw.
				twin, spec := *a, *a.of.spec
				of := *a.of
				spec.ID += "x"
				twin.of, of.spec = &of, &spec
				if compare(a, &twin) >= 0 || compare(&twin, a) <= 0 {
					t.Fatal("two that differ in their id alone are equal")
				}
			})
		})
	}
}

// TestNeverTwoSounds: stretches of different occurrences never overlap, and an
// agent is never told to begin one while another is on (rule 3; live.take).
func TestNeverTwoSounds(t *testing.T) {
	checkPlans(t, func(t *rapid.T, p *plan, input []byte, _ *generator) {
		l := newLive(t, p.config)
		l.tellAll(p)
		for _, gr := range groups(p) {
			l.step(gr.at, gr.events...)
		}
		l.drain()
		var all []Stretch
		for _, f := range timelineOf(t, p) {
			for _, s := range f.Plays {
				if !s.From.Before(s.To) {
					t.Fatalf("an empty stretch of %v\n%s", f.Key, input)
				}
			}
			all = append(all, f.Plays...)
		}
		slices.SortFunc(all, func(a, b Stretch) int { return a.From.Compare(b.From) })
		for i := 1; i < len(all); i++ {
			if all[i].From.Before(all[i-1].To) {
				t.Fatalf("%v and %v\n%s", all[i-1], all[i], input)
			}
		}
	})
}

// TestOutcomeAndReasonAgree: played has no reason and something sounded, cut has
// one and began, skipped has one and nothing sounded; whole plays are whole.
func TestOutcomeAndReasonAgree(t *testing.T) {
	checkPlans(t, func(t *rapid.T, p *plan, input []byte, _ *generator) {
		lengths := map[protocol.AiringID]Airing{}
		for _, a := range p.airings {
			lengths[a.ID] = a
		}
		for _, f := range timelineOf(t, p) {
			a := lengths[f.Airing]
			longest, sum := time.Duration(0), time.Duration(0)
			for _, s := range f.Plays {
				longest = max(longest, s.To.Sub(s.From))
				sum += s.To.Sub(s.From)
			}
			ok := false
			switch f.Outcome {
			case protocol.OutcomePlayed:
				ok = f.Reason == protocol.ReasonNone && sum >= a.Length
				if a.Class == protocol.ClassEmergency {
					ok = ok && longest == a.Length
				}
			case protocol.OutcomeCut:
				ok = f.Reason != protocol.ReasonNone && (longest < a.Length)
			case protocol.OutcomeSkipped:
				ok = f.Reason != protocol.ReasonNone && len(f.Plays) == 0
			}
			if !ok {
				t.Fatalf("%+v\n%s", f, input)
			}
		}
	})
}

// TestListingOrderMeansNothing: the order in which a file lists airings changes
// no line.
func TestListingOrderMeansNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, input, g := drawPlan(t)
		var file map[string]json.RawMessage
		var airings []json.RawMessage
		if err := json.Unmarshal(input, &file); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(file["airings"], &airings); err != nil {
			t.Fatal(err)
		}
		g.rng.Shuffle(len(airings), func(i, j int) { airings[i], airings[j] = airings[j], airings[i] })
		file["airings"], _ = json.Marshal(airings)
		shuffled, _ := json.Marshal(file)
		a, errA := Timeline(input)
		b, errB := Timeline(shuffled)
		if errA != nil || errB != nil || !bytes.Equal(bytes.Join(a, []byte("\n")), bytes.Join(b, []byte("\n"))) {
			t.Fatalf("%v %v\n%s\nagainst\n%s", errA, errB, bytes.Join(a, []byte("\n")), bytes.Join(b, []byte("\n")))
		}
	})
}

// live drives a machine through a plan by steps, as an agent does: every airing
// is told when the step is that reaches its arrival, or beforehand.
type live struct {
	t      *rapid.T
	m      *Machine
	kept   map[any]any // what an agent has on disk
	finals map[string]Final
	begun  map[string]bool
	on     string // what it was told to begin and not yet to end
}

func newLive(t *rapid.T, cfg Config) *live {
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &live{t: t, m: m, kept: map[any]any{}, finals: map[string]Final{}, begun: map[string]bool{}}
}

func keyText(k Key) string { return fmt.Sprintf("%d %s", k.Start.UnixMilli(), k.Airing) }

// step takes a step, keeps its records and checks that finals are final.
func (l *live) step(now time.Time, events ...Event) {
	l.take(l.m.Step(now, events...))
}

func (l *live) take(e Effects) {
	for _, r := range e.Airings {
		l.kept[r.Airing.ID] = r
	}
	for _, r := range e.Records {
		r.Plays = slices.Clone(r.Plays)
		l.kept[keyText(r.Key)] = r
	}
	for _, r := range e.Stops {
		k := r
		k.Held, k.Received, k.At, k.Start = false, time.Time{}, k.At.UTC(), k.Start.UTC()
		l.kept[k] = r
	}
	for _, a := range e.Actions {
		if _, over := l.finals[keyText(a.Sound.Key)]; over && a.Act == ActBegin {
			l.t.Fatalf("%v begins after its outcome", a.Sound.Key)
		}
		if a.Act == ActBegin {
			r, stored := l.kept[keyText(a.Sound.Key)].(Record)
			if !stored || r.State == 0 {
				l.t.Fatalf("%v begins without a record", a.Sound.Key)
			}
			l.begun[keyText(a.Sound.Key)] = true
		}
		switch key := keyText(a.Sound.Key); {
		case a.Act == ActBegin && l.on != "":
			l.t.Fatalf("%s begins while %s is on", key, l.on)
		case a.Act == ActBegin:
			l.on = key
		case key != l.on:
			l.t.Fatalf("%s ends while %q is on", key, l.on)
		default:
			l.on = ""
		}
	}
	for _, f := range e.Finals {
		if was, over := l.finals[keyText(f.Key)]; over {
			l.t.Fatalf("%v final twice: %v, %v", f.Key, was, f)
		}
		f.Plays = slices.Clone(f.Plays)
		l.finals[keyText(f.Key)] = f
	}
	for _, r := range e.Refused {
		l.t.Fatalf("%s: %v", r.Airing, r.Err)
	}
}

// drain steps from wake to wake until nothing is ahead.
func (l *live) drain() {
	for e := l.m.Step(fromMs(l.m.now, time.UTC)); ; {
		l.take(e)
		if e.Wake.IsZero() {
			return
		}
		e = l.m.Step(e.Wake)
	}
}

// disk is what was stored of the machine until an instant.
func (l *live) disk(at time.Time) Kept {
	kept := Kept{At: at}
	for _, v := range l.kept {
		switch r := v.(type) {
		case AiringRecord:
			kept.Airings = append(kept.Airings, r)
		case Record:
			kept.Records = append(kept.Records, r)
		case StopRecord:
			kept.Stops = append(kept.Stops, r)
		}
	}
	slices.SortFunc(kept.Stops, func(a, b StopRecord) int { return a.Received.Compare(b.Received) })
	return kept
}

// crash restores the machine from what is on disk.
func (l *live) crash(cfg Config, at time.Time) {
	m, err := Restore(cfg, l.disk(at))
	if err != nil {
		l.t.Fatal(err)
	}
	l.m = m
}

func (l *live) compare(what string, want []Final, input []byte) {
	l.t.Helper()
	expected := map[string]Final{}
	for _, f := range want {
		f.At = time.Time{}
		expected[keyText(f.Key)] = f
	}
	have := map[string]Final{}
	for k, f := range l.finals {
		f.At = time.Time{}
		have[k] = f
	}
	if diff := cmp.Diff(expected, have); diff != "" {
		l.t.Fatalf("%s: timeline against machine\n%s\n%s", what, diff, input)
	}
}

// group is the events of one instant.
type group struct {
	at     time.Time
	events []Event
}

func groups(p *plan) []group {
	var out []group
	for _, e := range p.events {
		if e.at < p.config.From.UnixMilli() {
			continue
		}
		if n := len(out); n == 0 || out[n-1].at.UnixMilli() != e.at {
			out = append(out, group{at: fromMs(e.at, time.UTC)})
		}
		out[len(out)-1].events = append(out[len(out)-1].events, e.Event)
	}
	return out
}

// withoutPast drops what a live machine cannot be told: stops of before from.
func withoutPast(p *plan) {
	from := p.config.From.UnixMilli()
	p.events = slices.DeleteFunc(p.events, func(e timed) bool { return e.at < from })
	for i := range p.airings {
		// At from itself a live machine takes it before that instant's events,
		// a timeline after them: only what is before or after is compared.
		if a := &p.airings[i]; a.Arrives.UnixMilli() <= from {
			a.Arrives = a.Published
		}
	}
	p.airings = slices.DeleteFunc(p.airings, func(a Airing) bool { return a.Arrives.UnixMilli() <= from })
}

// TestStepsAgreeWithTimeline: a machine that is told all airings at its first
// step and then steps at wakes, events and any other instants ends like Timeline.
// SCHEDULE.md 12.1
func TestStepsAgreeWithTimeline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, input, g := drawPlan(t)
		withoutPast(p)
		want := timelineOf(t, p)
		l := newLive(t, p.config)
		l.tellAll(p)
		for _, gr := range groups(p) {
			l.wander(g, gr.at)
			l.step(gr.at, gr.events...)
		}
		l.drain()
		l.compare("steps", want, input)
	})
}

// tellAll makes all airings known a millisecond before from.
func (l *live) tellAll(p *plan) {
	var events []Event
	for i := range p.airings {
		events = append(events, Event{Kind: EventAiring, New: &p.airings[i]})
	}
	l.step(p.config.From.Add(-time.Millisecond), events...)
}

// wander steps at some instants before at.
func (l *live) wander(g *generator, at time.Time) {
	for g.chance(60) {
		gap := at.UnixMilli() - l.m.now
		if gap <= 1 {
			return
		}
		next := l.m.now + g.rng.Int64N(gap)
		if l.m.wake < at.UnixMilli() && l.m.wake >= l.m.now && g.chance(50) {
			next = l.m.wake
		}
		l.step(fromMs(next, time.UTC))
	}
}

// TestCrashIsOffAndOn: a machine restored from its records at any instant ends
// like one whose device was off from the crash until the restart (rule 9).
// SCHEDULE.md 12.6
func TestCrashIsOffAndOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, input, g := drawPlan(t)
		withoutPast(p)
		span := p.config.To.UnixMilli() - p.config.From.UnixMilli()
		down := fromMs(pick(g, g.near(), p.config.From.UnixMilli()+g.rng.Int64N(span)), time.UTC)
		var returned []time.Time // ends of stretches of what sounded again
		for _, f := range timelineOf(t, p) {
			for i := 1; i < len(f.Plays); i++ {
				returned = append(returned, f.Plays[i-1].To)
			}
		}
		if len(returned) > 0 && g.chance(80) {
			down = returned[g.rng.IntN(len(returned))].Add(pick(g, 0, time.Millisecond, 2500*time.Millisecond))
		}
		if down.Before(p.config.From) {
			down = p.config.From
		}
		up := down.Add(pick(g, 0, time.Millisecond, time.Second, 5*time.Minute, 3*time.Hour))
		// State is not on disk: the agent tells it again. So no event in between.
		p.events = slices.DeleteFunc(p.events, func(e timed) bool { return !e.At.Before(down) && !e.At.After(up) || e.Kind == EventOff })
		steady, crashed := newLive(t, p.config), newLive(t, p.config)
		state := []Event{{Kind: EventOn}}
		for i, l := range []*live{steady, crashed} {
			l.tellAll(p)
			told := false
			for _, gr := range append(groups(p), group{at: fromMs(never, time.UTC)}) {
				if !told && !gr.at.Before(down) {
					told = true
					l.step(down)
					if i == 0 {
						l.step(down, Event{Kind: EventOff})
						l.step(up, state...)
					} else {
						l.crash(p.config, down)
						l.step(up, state...)
					}
				}
				if gr.at.UnixMilli() == never {
					break
				}
				l.step(gr.at, gr.events...)
				if !told && i == 0 {
					for _, e := range gr.events {
						if e.Kind > EventOn && e.Kind < EventFault {
							state = append(state, e)
						}
					}
				}
			}
			l.drain()
		}
		var want []Final
		for _, f := range steady.finals {
			want = append(want, f)
		}
		crashed.compare(fmt.Sprintf("crash from %v to %v", down.UTC(), up.UTC()), want, input)
	})
}

// TestClockSetBackNeverRepeats: whatever instants the steps have, nothing begins
// after its outcome, and nothing gets two (checked in live.take); and what began
// before a jump does not begin again unless it was cut.
func TestClockSetBackNeverRepeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, input, g := drawPlan(t)
		withoutPast(p)
		p.events = nil
		for i := range p.airings { // nothing that cuts, and so nothing that returns
			if p.airings[i].Class == protocol.ClassEmergency {
				p.airings[i].Until = p.airings[i].Start.In(p.config.Zone).Add(time.Millisecond)
				p.airings[i].AfterCut = 0
			}
		}
		l := newLive(t, p.config)
		l.tellAll(p)
		begins := map[string]int{}
		for range 40 {
			e := l.m.Step(fromMs(g.near()-pick(g, int64(0), 0, 3600000), time.UTC))
			for _, a := range e.Actions {
				if a.Act == ActBegin && a.Sound.Position == 0 && l.m.byID[a.Sound.Airing].spec.Class != protocol.ClassEmergency {
					begins[keyText(a.Sound.Key)]++
				}
				if a.Act == ActCut {
					begins[keyText(a.Sound.Key)]--
				}
			}
			l.take(e)
		}
		for k, n := range begins {
			if n > 1 {
				t.Fatalf("%s began %d times\n%s", k, n, input)
			}
		}
	})
}
