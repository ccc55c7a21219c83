package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/protocol"
)

func (l *live) move(cfg Config) {
	m, err := l.m.Move(cfg, l.disk(time.Time{}))
	if err != nil {
		l.t.Fatal(err)
	}
	l.m = m
}

// TestMovesBelowChangeNothing: a machine that is moved at random instants, below all
// units that anything is aired in, ends like Timeline.
// SCHEDULE.md 12.10
func TestMovesBelowChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, input, g := drawPlan(t)
		withoutPast(p)
		want := timelineOf(t, p)
		l := newLive(t, p.config)
		l.tellAll(p)
		moved := p.config
		for _, gr := range groups(p) {
			for g.chance(50) {
				l.wander(g, gr.at)
				moved.Path = append(p.config.Path[:len(p.config.Path):len(p.config.Path)], pick(g, protocol.UnitID("below"), "beside"))
				l.move(moved)
				l.step(fromMs(l.m.now, time.UTC))
			}
			l.step(gr.at, gr.events...)
		}
		l.drain()
		l.compare("moves", want, input)
	})
}

// TestAMoveOwesAUnitsStartsSinceItsOwn: what sounds goes on; what waited is owed as
// before; and of a unit that is new to the device only what starts since then.
// SCHEDULE.md 12.10
func TestAMoveOwesAUnitsStartsSinceItsOwn(t *testing.T) {
	cfg := liveConfig(t)
	l := &live{m: newMachine(t, cfg), kept: map[any]any{}, finals: map[string]Final{}, begun: map[string]bool{}}
	l.step(at(t, "04:00:00"), ordinary(t, "a", nil), ordinary(t, "b", func(a *Airing) { a.Start.Minute = 1 }))
	l.step(at(t, "05:02:00"))
	cfg.Path = append(cfg.Path, "thon")
	cfg.Since = map[protocol.UnitID]time.Time{"thon": at(t, "05:02:00")}
	l.move(cfg)
	early := ordinary(t, "early", func(a *Airing) { a.Unit = "thon" })
	c := ordinary(t, "c", func(a *Airing) { a.Unit, a.Start.Minute = "thon", 2 })
	e := l.m.Step(at(t, "05:30:00"), early, c)
	expectFinals(t, e, "a 05:00:00 played 05:00:00-05:05:00", "b 05:01:00 played 05:05:00-05:10:00", "c 05:02:00 skipped (no plan)")
}
