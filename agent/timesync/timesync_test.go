package timesync

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/protocol"
)

type fixture struct {
	*Clock
	system atomic.Pointer[System]
	saved  atomic.Int64
	fault  bool

	floorKept atomic.Int64
}

func newFixture(t *testing.T, cfg Config) *fixture {
	t.Helper()
	f := &fixture{}
	f.system.Store(&System{})
	cfg.System = func() System { return *f.system.Load() }
	cfg.SaveFloor = func(at protocol.Instant) error { f.saved.Add(1); f.floorKept.Store(int64(at)); return nil }
	cfg.Fault = func(on bool) { f.fault = on }
	cfg.Log = slog.New(slog.DiscardHandler)
	f.Clock = New(cfg)
	return f
}

func answer(at time.Time) protocol.TimeAnswer {
	return protocol.TimeAnswer{Device: "d", Nonce: make([]byte, protocol.NonceSize), At: protocol.InstantOf(at)}
}

func TestAClockThatNobodyVouchesForIsUnsure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		floor := time.Now().Add(time.Hour)
		f := newFixture(t, Config{Floor: protocol.InstantOf(floor)})
		r := f.Read()
		if r.Sure || !r.Now.Equal(floor.Truncate(time.Millisecond)) || !r.Trusted().IsZero() {
			t.Errorf("%+v", r)
		}
	})
}

func TestASynchronisedSystemIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		f.system.Store(&System{Synchronised: true, MaxError: 20 * time.Millisecond})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = f.Run(ctx) }()
		<-f.Changed()
		now, uncertainty, sure := f.Now()
		if !sure || !now.Equal(time.Now().Round(0)) || uncertainty != 20*time.Millisecond || f.Source() != SourceSystem {
			t.Errorf("%v %v %v", now, uncertainty, sure)
		}
		// It lost its server: the time counts on, ever less exact, for weeks.
		f.system.Store(&System{})
		time.Sleep(40 * 24 * time.Hour)
		if _, u, sure := f.Now(); !sure || u < 10*time.Minute || u > 12*time.Minute {
			t.Errorf("after 40 days alone: %v %v", u, sure)
		}
		time.Sleep(20 * 24 * time.Hour)
		if _, _, sure := f.Now(); sure {
			t.Error("sure after 60 days alone")
		}
		if f.saved.Load() < 1000 {
			t.Errorf("floor kept %d times", f.saved.Load())
		}
		cancel()
		synctest.Wait()
	})
}

func TestAClockHoursOffIsSetRightByTheSignedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		truth := time.Now().Add(5*time.Hour + 3*time.Second)
		sent := time.Now()
		time.Sleep(400 * time.Millisecond)
		if err := f.Answer(answer(truth.Add(200*time.Millisecond)), sent, time.Now()); err != nil {
			t.Fatal(err)
		}
		<-f.Changed()
		time.Sleep(time.Minute)
		now, uncertainty, sure := f.Now()
		want := truth.Add(400*time.Millisecond + time.Minute)
		if !sure || now.Sub(want).Abs() > uncertainty || uncertainty > 220*time.Millisecond {
			t.Errorf("%v, want %v; %v %v", now, want, uncertainty, sure)
		}
	})
}

// A board without a battery-backed clock boots decades back: it is never before its
// floor, unsure until the hub has answered, and right from then on; a later boot
// without any answer stands at what was known.
func TestABoardThatBootsIn1970KnowsNoTimeBeforeItsFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		last := time.Now().Add(26 * 365 * 24 * time.Hour) // as far from the system's clock as 1970 is
		f := newFixture(t, Config{Floor: protocol.InstantOf(last)})
		if r := f.Read(); r.Sure || r.Now.Before(last.Truncate(time.Millisecond)) {
			t.Errorf("at boot: %+v", r)
		}
		if err := f.Answer(answer(last.Add(-time.Hour)), time.Now(), time.Now()); !errors.Is(err, ErrBackwards) {
			t.Errorf("an answer of before: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = f.Run(ctx) }()
		truth := last.Add(8 * time.Hour)
		if err := f.Answer(answer(truth), time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if r := f.Read(); !r.Sure || r.Now.Sub(truth.Add(10*time.Minute)).Abs() > r.Uncertainty {
			t.Errorf("after the answer: %+v, want %v", r, truth.Add(10*time.Minute))
		}
		cancel()
		synctest.Wait()
		floor := protocol.Instant(f.floorKept.Load())
		if kept := floor.Time(); kept.Before(truth.Add(8*time.Minute)) || kept.After(truth.Add(10*time.Minute)) {
			t.Errorf("floor kept: %v", kept)
		}
		again := newFixture(t, Config{Floor: floor})
		if r := again.Read(); r.Sure || r.Now.Before(floor.Time()) {
			t.Errorf("at the next boot: %+v", r)
		}
	})
}

func TestAnswersThatSayTooLittleAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{Floor: protocol.InstantOf(time.Now())})
		now := time.Now()
		if err := f.Answer(answer(now), now, now.Add(time.Minute)); !errors.Is(err, ErrSlow) {
			t.Errorf("a minute's round trip: %v", err)
		}
		vague := answer(now)
		vague.Uncertainty = protocol.MillisOf(time.Hour)
		if err := f.Answer(vague, now, now); !errors.Is(err, ErrSlow) {
			t.Errorf("a hub an hour unsure: %v", err)
		}
		if err := f.Answer(answer(now.Add(-time.Hour)), now, now); !errors.Is(err, ErrBackwards) {
			t.Errorf("an hour before a known instant: %v", err)
		}
		if _, _, sure := f.Now(); sure {
			t.Error("sure by refused answers")
		}
	})
}

func TestASynchronisedSystemIsNotOverruled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		f.system.Store(&System{Synchronised: true, MaxError: time.Millisecond})
		f.look()
		now := time.Now()
		if err := f.Answer(answer(now.Add(time.Hour)), now, now); err != nil {
			t.Fatal(err)
		}
		if got, _, _ := f.Now(); got.Sub(now).Abs() > time.Second || !f.fault {
			t.Errorf("moved by %v, fault %v", got.Sub(now), f.fault)
		}
		if err := f.Answer(answer(now), now, now); err != nil || f.fault {
			t.Errorf("agreed again: fault %v, %v", f.fault, err)
		}
	})
}

func TestABatteryBackedClockIsBelievedFromTheFloorOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			rtc   bool
			floor time.Duration // before now
			want  bool
		}{
			"a day off":               {true, 24 * time.Hour, true},
			"without a battery":       {false, 24 * time.Hour, false},
			"before the floor":        {true, -time.Hour, false},
			"half a year off":         {true, 180 * 24 * time.Hour, false},
			"never known before this": {true, time.Since(time.Unix(0, 0)), false},
		} {
			floor := protocol.InstantOf(time.Now().Add(-tc.floor))
			f := newFixture(t, Config{RTC: tc.rtc, Floor: floor})
			if _, _, sure := f.Now(); sure != tc.want {
				t.Errorf("%s: sure %v", name, sure)
			}
		}
	})
}

func TestTheNarrowerOfTwoAnswersCounts(t *testing.T) {
	now := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	e := func(s Source, at time.Duration, u time.Duration) estimate {
		return estimate{source: s, now: now.Add(at), local: now, uncertainty: u}
	}
	for name, tc := range map[string]struct {
		held, found estimate
		want        bool
	}{
		"a better source":            {e(SourceHub, 0, 1), e(SourceSystem, 0, time.Second), true},
		"a worse source":             {e(SourceSystem, 0, time.Second), e(SourceHub, 0, 1), false},
		"narrower":                   {e(SourceHub, 0, time.Second), e(SourceHub, 0, time.Millisecond), true},
		"wider":                      {e(SourceHub, 0, time.Millisecond), e(SourceHub, 0, time.Second), false},
		"wider, but a contradiction": {e(SourceHub, 0, time.Millisecond), e(SourceHub, time.Hour, time.Second), true},
	} {
		if got := better(tc.held, tc.found); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestAClockDisciplinedOverALineAlone: answers every two minutes over a round trip of
// 100 ms, 60 there and 40 back, to a device whose crystal is 100 ppm fast. Each estimate
// is counted on by the crystal; 99 of 100 looks are within 30 ms of the hub's time.
func TestAClockDisciplinedOverALineAlone(t *testing.T) {
	const (
		every = 2 * time.Minute
		there = 60 * time.Millisecond
		back  = 40 * time.Millisecond
		ppm   = 100
	)
	begin := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	local := begin.Add(-3 * time.Hour) // what the device's clock showed then
	crystal := func(passed time.Duration) time.Time { return local.Add(passed + passed*ppm/1_000_000) }
	var held estimate
	var wrong []time.Duration
	for at := time.Duration(0); at < 24*time.Hour; at += time.Second {
		if at%every == 0 {
			a := answer(begin.Add(at + there))
			found, err := fromHub(a, crystal(at), crystal(at+there+back), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if at == 0 || better(held.at(crystal(at+there+back)), found) {
				held = found
			}
			continue // the answer is on its way
		}
		wrong = append(wrong, held.at(crystal(at)).now.Sub(begin.Add(at)).Abs())
	}
	slices.Sort(wrong)
	p99 := wrong[len(wrong)*99/100]
	t.Logf("p50 %s, p99 %s", wrong[len(wrong)/2], p99)
	if p99 > 30*time.Millisecond {
		t.Errorf("p99 %s", p99)
	}
}
