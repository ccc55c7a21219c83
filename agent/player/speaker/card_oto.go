//go:build oto && cgo

package speaker

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ebitengine/oto/v3"

	"github.com/loa-vn/loa/agent/player"
)

// HasOto says whether Child can drive a card in this build.
const HasOto = true

const (
	// trial is how much silence lies ready while it is measured how much the card takes
	// before it makes us wait.
	trial = 400 * time.Millisecond
	// look is how often that is looked at.
	look = time.Millisecond
	// otoPiece is how much oto reads at once.
	otoPiece = player.Rate / 100
	// errEvery is how often oto is asked for its error.
	errEvery = 50 * time.Millisecond
)

// otoSource is what oto reads. Between it and the card lie oto's own buffer, whose size
// oto tells, and the card's, which is measured.
type otoSource struct {
	engine   *engine
	channels int
	player   *oto.Player
	pulled   int64 // frames
	last     int64 // frames that had left oto's buffer
	pcm      []int16
	drained  chan struct{} // gets a note when oto reads after the trial
}

// taken is how many frames have left oto's buffer for the card.
func (s *otoSource) taken() int64 {
	return s.pulled - int64(s.player.BufferedSize()/(2*s.channels))
}

// Read implements io.Reader for oto's one reading goroutine.
func (s *otoSource) Read(b []byte) (int, error) {
	if taken := s.taken(); taken > s.last {
		s.last = taken
		s.engine.taken(taken)
	}
	n := min(len(b)/2, otoPiece*s.channels)
	n -= n % s.channels
	pcm := s.pcm[:n]
	s.engine.pull(pcm)
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

// openCard opens the default card and returns when it runs; what goes wrong later comes
// on failed. There is one card a process.
func openCard(e *engine, channels int, buffer time.Duration, failed chan<- error) error {
	ctx, ready, err := oto.NewContext(&oto.NewContextOptions{
		SampleRate:   player.Rate,
		ChannelCount: channels,
		Format:       oto.FormatSignedInt16LE,
		BufferSize:   buffer,
	})
	if err != nil {
		return fmt.Errorf("card: %w", err)
	}
	<-ready
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	src := &otoSource{
		engine: e, channels: channels,
		pcm:     make([]int16, otoPiece*channels),
		drained: make(chan struct{}, 1),
	}
	src.player = ctx.NewPlayer(src)
	frame := 2 * channels
	src.player.SetBufferSize(int(player.FramesIn(trial)) * frame)
	src.player.Play()
	held, err := measure(ctx, src, time.Duration(nanos(period(buffer))))
	if err != nil {
		return err
	}
	e.calibrate(held)
	src.player.SetBufferSize(int(period(buffer)+otoPiece) * frame)
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

// measure waits until the card takes no more for over half a period, and returns how
// many frames it holds then.
func measure(ctx *oto.Context, src *otoSource, period time.Duration) (held int64, err error) {
	all := player.FramesIn(trial)
	grown := time.Now()
	for range time.Tick(look) {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("card: %w", err)
		}
		taken := all - int64(src.player.BufferedSize()/(2*src.channels))
		if taken > held {
			held, grown = taken, time.Now()
		}
		if held == all {
			return 0, errUnpaced
		}
		if held > 0 && time.Since(grown) > period*6/10 {
			break
		}
	}
	return held, nil
}
