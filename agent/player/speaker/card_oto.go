//go:build oto && cgo

package speaker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
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
	// unpacedOto is how much a device may take without a wait before it has no pace.
	unpacedOto = 2 * time.Second
	// look is how often that is looked at.
	look = time.Millisecond
	// otoPiece is how much oto reads at once.
	otoPiece = player.Rate / 100
	// errEvery is how often oto is asked for its error.
	errEvery = 50 * time.Millisecond
)

// errLate says that the card was open before anything lay ready for it.
var errLate = errors.New("the card was too quick to be measured")

// otoSource is what oto reads. Between it and the card lie oto's own buffer, whose size
// oto tells, and the card's, which is measured.
type otoSource struct {
	engine   *engine
	channels int
	player   *oto.Player
	pulled   int64        // frames
	last     atomic.Int64 // frames that had left oto's buffer when it read last
	grown    atomic.Int64 // the instant at which there were more than before, monotonic
	pcm      []int16
	drained  chan struct{} // gets a note when oto reads after the trial
}

// Read implements io.Reader for oto's one reading goroutine, which reads whenever some
// of its buffer has gone to the card.
func (s *otoSource) Read(b []byte) (int, error) {
	taken := s.pulled - int64(s.player.BufferedSize()/(2*s.channels))
	if taken > s.last.Load() {
		s.last.Store(taken)
		s.grown.Store(monotonic())
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
	// oto begins to write as soon as the card is open. The player is made before that, so
	// that all the card takes comes from its buffer and is counted.
	src := &otoSource{
		engine: e, channels: channels,
		pcm:     make([]int16, otoPiece*channels),
		drained: make(chan struct{}, 1),
	}
	src.player = ctx.NewPlayer(src)
	frame := 2 * channels
	src.player.SetBufferSize(int(player.FramesIn(trial)) * frame)
	src.player.Play()
	<-ready
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	held, err := measure(ctx, src, period(buffer))
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
func measure(ctx *oto.Context, src *otoSource, period int64) (held int64, err error) {
	if src.player.BufferedSize() == 0 {
		return 0, errLate
	}
	for range time.Tick(look) {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("card: %w", err)
		}
		held = src.last.Load()
		if held > player.FramesIn(unpacedOto) {
			return 0, errUnpaced
		}
		if held > 0 && monotonic()-src.grown.Load() > nanos(period)*6/10 {
			break
		}
	}
	return held, nil
}
