package feed_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/feed"
)

// lazy is an output that once takes its time, as on a machine that had other things to do.
type lazy struct {
	late    time.Duration
	pcm     []int16
	starved int
}

func (l *lazy) Take(span feed.Span, pcm []int16) error {
	if len(l.pcm) > player.Rate/2 {
		time.Sleep(l.late)
		l.late = 0
	}
	if span.Kind == feed.Starved {
		l.starved += span.Frames
		return nil
	}
	l.pcm = append(l.pcm, pcm...)
	return nil
}

func (*lazy) Idle() error { return nil }

// A card that was late itself takes what is due once the writer could fill its queue
// again, so that nothing is missing inside a track, nor its end any later.
func TestALatePacedCardStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pcm := make([]int16, 2*player.Rate)
		for i := range pcm {
			pcm[i] = int16(i%1000 + 1)
		}
		out := &lazy{late: 700 * time.Millisecond}
		p := feed.NewPaced(1, out)
		begun := time.Now()
		check(t, p.Start(t.Context(), "a", time.Time{}))
		check(t, p.Write(t.Context(), pcm))
		check(t, p.End())
		synctest.Wait()
		for {
			at, err := p.Position()
			check(t, err)
			if at.Frames == int64(len(pcm)) {
				break
			}
			<-p.Moved()
		}
		took := time.Since(begun)
		check(t, p.Close())
		if out.starved > 0 || !slices.Equal(out.pcm, pcm) {
			t.Errorf("%d frames of silence inside the track, %d of %d frames taken", out.starved, len(out.pcm), len(pcm))
		}
		if took > 2050*time.Millisecond {
			t.Errorf("took %v for two seconds", took)
		}
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
