//go:build oto && cgo

package speaker

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/ebitengine/oto/v3"

	"github.com/loa-vn/loa/agent/player"
)

// HasOto says whether Child can drive a card in this build, by oto or by ALSA itself.
const HasOto = true

const (
	// trial is how much silence lies ready while it is measured how much the card takes
	// before it makes us wait.
	trial = 400 * time.Millisecond
	// unmeasured is how many periods a card is taken to hold, at most, that began before
	// anything lay ready.
	unmeasured = 5
	// look is how often that is looked at.
	look = time.Millisecond
	// otoPiece is how much oto reads at once, at most: few wake-ups.
	otoPiece = player.Rate / 50
	// errEvery is how often oto is asked for its error.
	errEvery = 200 * time.Millisecond
)

// otoSource is what oto reads. Between it and the card lie oto's own buffer, whose size
// oto tells, and the card's, which is measured.
type otoSource struct {
	out      *outlet
	channels int
	player   *oto.Player
	pulled   int64 // frames of the card

	mu      sync.Mutex
	last    int64 // frames that had left oto's buffer when it read last
	at      int64 // the instant at which there were more than before, monotonic
	pcm     []int16
	drained chan struct{} // gets a note when oto reads after the trial
}

// Read implements io.Reader for oto's one reading goroutine, which reads whenever some
// of its buffer has gone to the card.
func (s *otoSource) Read(b []byte) (int, error) {
	taken := s.pulled - int64(s.player.BufferedSize()/(2*s.channels))
	s.mu.Lock()
	more := taken > s.last
	if more {
		s.last, s.at = taken, monotonic()
	}
	s.mu.Unlock()
	if more {
		s.out.taken(taken)
	}
	n := min(len(b)/2, otoPiece*s.channels)
	n -= n % s.channels
	pcm := s.pcm[:n]
	s.out.pull(pcm)
	for i, v := range pcm {
		binary.LittleEndian.PutUint16(b[2*i:], uint16(v))
	}
	s.pulled += int64(n / s.channels)
	select {
	case s.drained <- struct{}{}:
	default:
	}
	return 2 * n, nil
}

// openOto opens the default card with oto and returns when it runs; what goes wrong later
// comes on failed. There is one card a process.
func openOto(e *engine, c card, failed chan<- error) error {
	out, err := newOutlet(e, c.rate)
	if err != nil {
		return err
	}
	// oto begins to write as soon as the card is open, on a goroutine of its own. The player
	// must be there before that, so that all the card takes comes from its buffer and is
	// counted: with one processor, the goroutine that opens waits until that is so.
	procs := runtime.GOMAXPROCS(1)
	ctx, ready, err := oto.NewContext(&oto.NewContextOptions{
		SampleRate:   c.rate,
		ChannelCount: c.channels,
		Format:       oto.FormatSignedInt16LE,
		BufferSize:   c.buffer,
	})
	if err != nil {
		return fmt.Errorf("card: %w", err)
	}
	src := &otoSource{
		out: out, channels: c.channels,
		pcm:     make([]int16, otoPiece*c.channels),
		drained: make(chan struct{}, 1),
	}
	src.player = ctx.NewPlayer(src)
	frame := 2 * c.channels
	whole := int(int64(trial)*int64(c.rate)/int64(time.Second)) * frame
	src.player.SetBufferSize(whole)
	src.player.Play()
	for src.player.BufferedSize() < whole {
		runtime.Gosched()
	}
	inTime := true
	select {
	case <-ready:
		inTime = false
	default:
	}
	runtime.GOMAXPROCS(procs)
	<-ready
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	held, err := measure(ctx, src, out.in(c.period()))
	if err != nil {
		return err
	}
	if !inTime { // the card has taken frames that were not counted
		held = max(held, unmeasured*out.in(c.period()))
	}
	e.calibrate(held)
	// A late card takes two periods at once; what is not in oto's buffer then is silence.
	src.player.SetBufferSize(int(2*c.period()) * frame)
	<-src.drained // of before
	<-src.drained
	go func() {
		for range time.Tick(errEvery) {
			if err := ctx.Err(); err != nil {
				failed <- fmt.Errorf("card: %w", err)
				return
			}
			if err := src.player.Err(); err != nil {
				failed <- fmt.Errorf("card: %w", err)
				return
			}
		}
	}()
	return nil
}

// measure finds how many frames lie between oto's buffer and the card's output.
func measure(ctx *oto.Context, src *otoSource, period int64) (held int64, err error) {
	g := gauge{held: 3 * period} // the card's two, and one that oto waits with
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("card: %w", err)
		}
		src.mu.Lock()
		taken, at := src.last, src.at
		src.mu.Unlock()
		if taken > 0 {
			if known, err := g.taken(at, src.out.in(taken)); known || err != nil {
				return g.held, err
			}
		}
		<-ticker.C
	}
}
