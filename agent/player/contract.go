package player

import (
	"context"
	"errors"
	"math"
	"time"
)

// Rate is the number of frames in a second of every source and every sink.
const Rate = 48000

// Fade is how long the sound takes to fall silent when a track is cut.
const Fade = 20 * time.Millisecond

// MaxQueued is how many tracks may wait behind the one that sounds.
const MaxQueued = 16

var (
	// ErrTrack is wrapped by Play's refusals of a track that cannot be played.
	ErrTrack = errors.New("player: track refused")
	// ErrStopped is the Err of a track that Stop cut, or that waited when Stop came.
	ErrStopped = errors.New("player: stopped")
	// ErrSource is wrapped by the Err of a track whose source could not be opened or read.
	ErrSource = errors.New("player: source failed")
	// ErrSink is wrapped by the Err of a track, and by a Fault, when the output failed:
	// no card, the card went away, or it consumed nothing for too long.
	ErrSink = errors.New("player: output failed")
	// ErrShort is wrapped by the Err of a track whose source ended before Track.Frames.
	ErrShort = errors.New("player: source shorter than stated")
	// ErrClosed is returned when a closed player or sink is used.
	ErrClosed = errors.New("player: closed")
)

// Source yields the PCM of one track. It is used by one goroutine at a time.
type Source interface {
	// Channels is 1 or 2 and never changes.
	Channels() int

	// Read fills dst, whose length is a multiple of Channels, with interleaved
	// samples from the current position on, and returns the number of frames.
	// It may return fewer frames than fit, but at least one while err is nil and
	// dst is not empty. At the end it returns 0, io.EOF, and goes on doing so.
	// Any other error is final and comes again; frames returned beside it are valid.
	Read(dst []int16) (frames int, err error)

	// SeekFrame moves to a frame counted from the track's first audible one.
	// A position at or past the end makes the next Read return io.EOF.
	SeekFrame(frame int64) error

	// Close frees what the source holds. It is called once.
	Close() error
}

// Track is something to be played once, from an offset to its end.
type Track struct {
	// ID comes back in every event of this track. The player does not look at it.
	ID string

	// Name names the file of a sink that writes one file a track. It consists of
	// letters, digits, '.', '_' and '-'; empty means ID.
	Name string

	// Open opens the source. The player calls it once, on its own goroutine,
	// as soon as the track's turn is near, and closes what it returns.
	Open func() (Source, error)

	// Offset is where to begin, from the track's first frame: zero, or the place to
	// resume at. It is rounded down to a frame.
	Offset time.Duration

	// Frames is the length of the whole track, the part before Offset included.
	// The track never sounds longer: a source that yields more is cut there without
	// a fault, one that yields less ends with ErrShort. Zero means: until the source ends.
	Frames int64

	// Volume is 0 to 100 per cent; see Gain.
	Volume int

	// StartAt is the instant at which the first frame should reach the card. In the
	// past or zero: at once, and without a gap if a track before it is still sounding.
	// Play the track less than a minute ahead: the wait does not follow a clock that
	// is set meanwhile.
	StartAt time.Time
}

// Event is one of Begun, Progress, Ended, Fault and Restored.
type Event interface{ event() }

// Begun says that a track's first frame was consumed by the card at At. It comes at
// most once a track, and before Progress and Ended; a track that ends without it
// never sounded.
type Begun struct {
	ID string
	At time.Time
}

// Progress says how many frames of the sounding track the card has consumed, from
// its Offset on. It comes at least once a second while a track sounds; a receiver
// that is slow sees only the latest.
type Progress struct {
	ID     string
	Frames int64
	At     time.Time
}

// Ended is the last event of a track. Every track that Play accepted gets exactly
// one, in the order of Play, except those alive at Close.
type Ended struct {
	ID string
	// Frames is what the card consumed of it, from its Offset on. What was cut while
	// still in a buffer does not count; a frame may be missing from the count after a
	// fault, never too many.
	Frames int64
	// Whole is true if the card consumed everything from Offset to the end.
	Whole bool
	// At is the instant at which the last frame was consumed.
	At time.Time
	// Err is nil if Whole; else it wraps ErrStopped, ErrSource, ErrShort or ErrSink.
	Err error
}

// Fault says that the output does not work; Err wraps ErrSink. It comes when that is
// noticed, with or without a track sounding, once until Restored. The sink tries to
// get the card back by itself.
type Fault struct{ Err error }

// Restored says that the output works again after a Fault.
type Restored struct{}

func (Begun) event()    {}
func (Progress) event() {}
func (Ended) event()    {}
func (Fault) event()    {}
func (Restored) event() {}

// Position tells how far a sink is. Frames counts content only, never the silence
// that a sink may put between tracks to keep its card running.
type Position struct {
	// Frames is how many frames the card had consumed at At since the sink was
	// opened. It never decreases and never runs ahead of the card by more than the
	// sink's stated error.
	Frames int64
	// Pending is how many frames the sink has taken and the card has not consumed.
	Pending int64
	// At is the instant at which the last of Frames was consumed.
	At time.Time
	// Faults is how often the output has failed since the sink was opened.
	Faults int
}

// Sink plays frames on a card, real or pretended. Start, Write, End and Flush come
// from one goroutine; Position, Moved and Close may be called from any.
type Sink interface {
	// Channels is 1 or 2 and never changes.
	Channels() int

	// Start announces a track whose first frame should be consumed at the instant at;
	// an instant in the past (or zero) means at once, and directly after what is
	// pending. It waits at most two seconds for the card to be ready; after that, and
	// whenever the output has failed, it returns an error that wraps ErrSink.
	Start(ctx context.Context, name string, at time.Time) error

	// Write takes whole frames, interleaved, blocking while its queue is full.
	// It keeps nothing of pcm after it has returned. The queue holds 100 to 500 ms
	// beside what the card holds.
	Write(ctx context.Context, pcm []int16) error

	// End says that the track announced last has no more frames. It does not wait.
	End() error

	// Flush drops what is pending as far as it can still be caught, letting the first
	// fade of it sound out with falling gain. It does not wait for that, only until it
	// is known what is left: Pending is then exact, and the frames dropped are never
	// counted.
	Flush(fade time.Duration) error

	// Position returns the latest known position, and a non-nil error that wraps
	// ErrSink while the output does not work. After a failure the frames that were
	// pending are gone, Pending is zero, and Write refuses until the next Start.
	Position() (Position, error)

	// Moved yields a value after Position has changed: at least five times a second
	// while frames are pending, and when the output fails or works again.
	Moved() <-chan struct{}

	// Close stops at once and frees the card; what is pending is lost.
	Close() error
}

// Aimer is a sink that can lead a card back, inaudibly, which has gone astray from the
// instants at which a track's frames should be consumed. It is called as Start is.
type Aimer interface {
	// Aim says when the first frame of the track that sounds, which was started for an
	// instant, should have been consumed, by what is known of the time now.
	Aim(at time.Time) error
}

// Gain is the linear factor for a volume in per cent: (v/100)^2, the usual square
// law of a fader. 100 is 1 exactly (0 dB), 50 is -12 dB, 25 is -24 dB, 10 is -40 dB,
// 0 is silence. Values outside 0..100 are taken as the nearer end.
func Gain(percent int) float64 {
	v := math.Min(math.Max(float64(percent), 0), 100) / 100
	return v * v
}

// FramesIn is the number of whole frames in d.
func FramesIn(d time.Duration) int64 {
	s, rest := d/time.Second, d%time.Second
	return int64(s)*Rate + int64(rest)*Rate/int64(time.Second)
}

// Duration is how long frames last, rounded to the nearest nanosecond.
func Duration(frames int64) time.Duration {
	s, rest := frames/Rate, frames%Rate
	return time.Duration(s)*time.Second + (time.Duration(rest)*time.Second+Rate/2)/Rate
}
