package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
)

const (
	blockFrames = Rate / 50 // 20 ms
	blocksAhead = 4
)

// prefetch reads a source on a goroutine of its own, so that a slow disk holds up
// neither a stop nor the track before.
type prefetch struct {
	full  chan block
	empty chan []int16
}

// block is a stretch of PCM in the sink's channels, at the track's volume.
type block struct {
	pcm []int16
	end *ending // not nil in the last one
}

// ending is why a source has no more: err is nil at its proper end.
type ending struct{ err error }

func newPrefetch(ctx context.Context, work *sync.WaitGroup, log *slog.Logger, t Track, channels int) *prefetch {
	f := &prefetch{full: make(chan block, blocksAhead), empty: make(chan []int16, blocksAhead+1)}
	for range cap(f.empty) {
		f.empty <- nil // made when used: most tracks wait behind another
	}
	work.Go(func() {
		err := f.run(ctx, log, t, channels)
		select {
		case f.full <- block{end: &ending{err}}:
		case <-ctx.Done():
		}
	})
	return f
}

// next waits for a block; the error is ctx's.
func (f *prefetch) next(ctx context.Context) (block, error) {
	select {
	case b := <-f.full:
		return b, nil
	case <-ctx.Done():
		return block{}, ctx.Err()
	}
}

// release gives back a block that has been used.
func (f *prefetch) release(b block) {
	if b.pcm != nil {
		f.empty <- b.pcm
	}
}

// run opens the source and reads it to its end, which is nil, or until ctx ends.
func (f *prefetch) run(ctx context.Context, log *slog.Logger, t Track, channels int) (err error) {
	src, err := t.Open()
	if err != nil {
		return fmt.Errorf("%w: open: %w", ErrSource, err)
	}
	defer func() {
		if err := src.Close(); err != nil {
			log.Warn("source not closed", "track", t.ID, "error", err)
		}
	}()
	at := FramesIn(t.Offset)
	if at > 0 {
		if err := src.SeekFrame(at); err != nil {
			return fmt.Errorf("%w: seek to frame %d: %w", ErrSource, at, err)
		}
	}
	var raw []int16
	if src.Channels() != channels {
		raw = make([]int16, blockFrames*src.Channels())
	}
	gain := Gain(t.Volume)
	for {
		want := int64(blockFrames)
		if t.Frames > 0 {
			if want = min(want, t.Frames-at); want <= 0 {
				return nil
			}
		}
		var pcm []int16
		select {
		case pcm = <-f.empty:
		case <-ctx.Done():
			return ctx.Err()
		}
		if pcm = pcm[:cap(pcm)]; len(pcm) == 0 {
			pcm = make([]int16, blockFrames*channels)
		}
		into := pcm
		if raw != nil {
			into = raw
		}
		n, err := src.Read(into[:int(want)*src.Channels()])
		switch {
		case n > 0: // an error beside frames comes again
		case errors.Is(err, io.EOF) && at < t.Frames:
			return fmt.Errorf("%w: %d frames of %d", ErrShort, at, t.Frames)
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
			return fmt.Errorf("%w: at frame %d: %w", ErrSource, at, io.ErrNoProgress)
		default:
			return fmt.Errorf("%w: at frame %d: %w", ErrSource, at, err)
		}
		pcm = pcm[:n*channels]
		if raw != nil {
			remix(pcm, raw[:n*src.Channels()], channels)
		}
		amplify(pcm, gain)
		at += int64(n)
		select {
		case f.full <- block{pcm: pcm}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// remix makes two channels out of one, or one out of two as their mean.
func remix(dst, src []int16, channels int) {
	if channels == 2 {
		for i, s := range src {
			dst[2*i], dst[2*i+1] = s, s
		}
		return
	}
	for i := range dst {
		dst[i] = int16((int32(src[2*i]) + int32(src[2*i+1])) >> 1)
	}
}

// amplify multiplies by a gain of at most 1, rounding to the nearest. A gain of 1
// leaves every bit as it is.
func amplify(pcm []int16, gain float64) {
	if gain == 1 {
		return
	}
	for i, s := range pcm {
		pcm[i] = int16(math.RoundToEven(float64(s) * gain))
	}
}
