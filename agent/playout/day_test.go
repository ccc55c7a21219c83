package playout_test

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// errAway is a controller that is not there.
var errAway = errors.New("controller away")

// vanishing is a board whose controller goes away and returns.
type vanishing struct {
	mirror
	mu   sync.Mutex
	away bool
}

func (v *vanishing) Show(ctx context.Context, f *page.Frame, dirty image.Rectangle) error {
	v.mu.Lock()
	away := v.away
	v.mu.Unlock()
	if away {
		return errAway
	}
	return v.mirror.Show(ctx, f, dirty)
}

func (v *vanishing) set(away bool) {
	v.mu.Lock()
	v.away = away
	v.mu.Unlock()
}

// TestADayOfABoardWithOutages lives 24 hours: a bulletin each quarter of an hour, the
// controller away for ten minutes every three hours, a restart every five, a
// drill at noon. What was shown while the controller was there is whole, what was
// not is never said to be; the board always comes back by itself.
func TestADayOfABoardWithOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		size := page.Board{Width: 192, Height: 32, Row: 16}
		kept := &memory{}
		out := &vanishing{}
		var s *playout.Screen
		begin := func() {
			o, err := outputs.Open(outputs.Config{Line: "null", Width: size.Width, Height: size.Height})
			if err != nil {
				t.Fatal(err)
			}
			out.Output = o
			s, err = playout.NewScreen(playout.ScreenConfig{
				Size: size, Whole: size, Memory: kept,
				Idle: func(now time.Time) ([]page.Page, time.Time) {
					pages, err := page.Clock(size, "Xã Bình An", now)
					if err != nil {
						t.Error(err)
					}
					return pages, now.Truncate(time.Minute).Add(time.Minute)
				},
				Open: func(clock func(time.Time) ([]page.Page, time.Time)) (*display.Board, error) {
					return display.New(display.Config{Output: out, Clock: clock, Log: slog.New(slog.DiscardHandler)})
				},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		begin()
		start := time.Now()
		whole, missed, faults := 0, 0, 0
		for quarter := range 4 * 24 {
			at := start.Add(time.Duration(quarter) * 15 * time.Minute)
			time.Sleep(time.Until(at))
			if quarter%20 == 19 { // a restart
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				begin()
			}
			away := quarter%12 == 11
			out.set(away)
			class := protocol.ClassNormal
			if quarter == 48 {
				class = protocol.ClassEmergency
			}
			job := boardJob(class, class == protocol.ClassEmergency)
			job.Begin = time.Now()
			job.Until = job.Begin.Add(5 * time.Minute)
			pages, err := playout.Pages(size, job, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Begin(job); err != nil {
				t.Fatal(err)
			}
			for ended := false; !ended; {
				switch e := <-s.Events(); e.Kind {
				case playout.Fault:
					faults++
				case playout.Ended:
					ended = true
					if e.Whole {
						whole++
					} else {
						missed++
					}
					if e.Whole == away && class == protocol.ClassNormal {
						t.Errorf("quarter %d, controller away %t: whole %t", quarter, away, e.Whole)
					}
					if away && e.Proof != 0 {
						t.Errorf("quarter %d: %s of what nobody saw", quarter, e.Proof)
					}
				}
			}
			rest, stop := s.Events(), make(chan bool)
			go func() {
				for {
					select {
					case <-rest:
					case <-stop:
						return
					}
				}
			}()
			if class == protocol.ClassEmergency && !out.shows(pages) {
				t.Error("a valid drill does not stand after its pass")
			}
			if away {
				time.Sleep(10 * time.Minute)
				out.set(false)
			}
			time.Sleep(time.Until(at.Add(14*time.Minute + 30*time.Second)))
			clock, err := page.Clock(size, "Xã Bình An", time.Now().Truncate(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if !out.shows(clock) {
				t.Fatalf("quarter %d: the clock does not stand", quarter)
			}
			close(stop)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if whole < 86 || missed < 8 || faults < 8 {
			t.Errorf("%d whole, %d not, %d faults", whole, missed, faults)
		}
	})
}
