// Package feed is the queue between whoever writes a track and a card that takes
// frames at its own pace.
//
// It decides which frame follows which: content, or silence before a track's instant
// and where nothing is there; it applies the fade of a cut; and it keeps the account
// of how much content is among the frames that a card has consumed. It reads no clock
// and never blocks.
package feed

import (
	"errors"
	"math"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/player"
)

var (
	// ErrFull is returned by Put when the frames do not fit the queue.
	ErrFull = errors.New("feed: queue is full")
	// ErrNoTrack is returned by Put and End without a track that was started and not ended.
	ErrNoTrack = errors.New("feed: no track is open")
)

// Kind says what Next has put out.
type Kind uint8

// The kinds of frames.
const (
	Silence Kind = 1 // nothing to sound, or not yet
	Content Kind = 2
	Starved Kind = 3 // silence inside a track, whose writer was too slow
)

// Span is what one call of Next has put out.
type Span struct {
	Kind   Kind
	Frames int
	Track  string // the name of the track, for Content and Starved
	Serial int    // the number of the track, from 1
}

// track is one that has not been put out whole.
type track struct {
	name   string
	serial int
	at     time.Time
	begun  bool
	from   int64     // content position of its first frame, once begun
	aim    time.Time // when its first frame should have sounded; zero: nobody minds
	end    int64     // content position of its end; -1 while it may grow
}

// run is a stretch of content among all frames that were put out.
type run struct {
	total, content, frames int64
}

// Feed is the queue. Its methods may be called from any goroutine.
type Feed struct {
	mu       sync.Mutex
	channels int
	ring     []int16
	taken    int64 // content frames put out: position of the ring's first frame
	written  int64 // content frames accepted and not dropped
	tracks   []track
	serial   int

	total    int64 // all frames put out, silence too
	runs     []run // those that may not be consumed yet
	consumed int64 // content frames known to be consumed
	last     int64 // how many of all frames were consumed with the last of them
	starved  int64
	idle     int64 // frames of silence since the last content that no instant asked for
	paused   int64 // those of before that had content behind them again
}

// New returns an empty feed of one or two channels that holds up to capacity.
func New(channels int, capacity time.Duration) *Feed {
	return &Feed{
		channels: channels,
		ring:     make([]int16, int(player.FramesIn(capacity))*channels),
	}
}

// Start opens a track whose first frame should sound at the instant at, or at once and
// directly after what is queued if that is past. It ends the track before, if open.
func (f *Feed) Start(name string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endLast()
	f.serial++
	f.tracks = append(f.tracks, track{name: name, serial: f.serial, at: at, aim: at, end: -1})
}

func (f *Feed) endLast() {
	if n := len(f.tracks); n > 0 && f.tracks[n-1].end < 0 {
		f.tracks[n-1].end = f.written
	}
}

// Put takes whole frames into the track opened last: all or, with ErrFull, none.
func (f *Feed) Put(pcm []int16) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.tracks); n == 0 || f.tracks[n-1].end >= 0 {
		return ErrNoTrack
	}
	size := int64(len(f.ring) / f.channels)
	if f.written-f.taken+int64(len(pcm)/f.channels) > size {
		return ErrFull
	}
	at := int(f.written%size) * f.channels
	n := copy(f.ring[at:], pcm)
	copy(f.ring, pcm[n:])
	f.written += int64(len(pcm) / f.channels)
	return nil
}

// End closes the track opened last.
func (f *Feed) End() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.tracks) == 0 {
		return ErrNoTrack
	}
	f.endLast()
	return nil
}

// Flush drops all tracks and frames but the first fade of what is sounding, whose gain
// falls to zero along half a cosine.
func (f *Feed) Flush(fade time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := int64(0)
	if len(f.tracks) > 0 && f.tracks[0].begun {
		left = min(player.FramesIn(fade), f.written-f.taken)
		if end := f.tracks[0].end; end >= 0 {
			left = min(left, end-f.taken) // what follows may have to wait: it never sounds
		}
		f.tracks = f.tracks[:1]
	} else {
		f.tracks = f.tracks[:0]
	}
	f.written = f.taken + left
	if len(f.tracks) > 0 {
		f.tracks[0].end = f.written
	}
	size := int64(len(f.ring) / f.channels)
	for i := range left {
		gain := (1 + math.Cos(math.Pi*float64(i+1)/float64(left+1))) / 2
		at := int((f.taken+i)%size) * f.channels
		for c := range f.channels {
			f.ring[at+c] = int16(math.RoundToEven(float64(f.ring[at+c]) * gain))
		}
	}
}

// Next fills the beginning of dst with frames of one kind and one track, the first of
// which will sound at the instant sounds, and says what they are. It puts out at least
// one frame if dst has room for one.
func (f *Feed) Next(dst []int16, sounds time.Time) Span {
	f.mu.Lock()
	defer f.mu.Unlock()
	room := int64(len(dst) / f.channels)
	for len(f.tracks) > 0 {
		t := &f.tracks[0]
		if lead := f.lead(t, sounds); lead > 0 {
			s := f.silence(Silence, track{}, dst, min(room, lead))
			f.idle = 0
			return s
		}
		ready := f.written - f.taken
		if t.end >= 0 {
			ready = t.end - f.taken
		}
		if ready > 0 {
			if !t.begun {
				t.begun, t.from = true, f.taken
			}
			return f.content(*t, dst, min(room, ready))
		}
		if t.end < 0 {
			if t.begun {
				return f.silence(Starved, *t, dst, room)
			}
			break
		}
		f.tracks = append(f.tracks[:0], f.tracks[1:]...)
	}
	return f.silence(Silence, track{}, dst, room)
}

// Aim says when the first frame of the track that sounds should have sounded, by what
// is known now. A track that was started for no instant has none.
func (f *Feed) Aim(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.tracks) > 0 && f.tracks[0].begun && !f.tracks[0].aim.IsZero() {
		f.tracks[0].aim = at
	}
}

// Late is by how much the next frame, if it sounds at sounds, is later than the aim of
// the track that sounds; false if no track does, or it has no aim.
func (f *Feed) Late(sounds time.Time) (time.Duration, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.tracks) == 0 || !f.tracks[0].begun || f.tracks[0].aim.IsZero() {
		return 0, false
	}
	t := f.tracks[0]
	return sounds.Sub(t.aim.Add(player.Duration(f.taken - t.from))), true
}

// join is the longest wait of a track directly behind another one that is left out:
// items of a programme follow each other without a gap.
const join = 2 * time.Millisecond

// lead is how many frames t still has to wait if the next frame sounds at sounds,
// rounded to the nearest.
func (f *Feed) lead(t *track, sounds time.Time) int64 {
	if t.begun || t.at.IsZero() {
		return 0
	}
	wait := t.at.Sub(sounds)
	if wait <= 0 {
		return 0
	}
	if k := len(f.runs); wait < join && k > 0 && f.runs[k-1].total+f.runs[k-1].frames == f.total {
		return 0
	}
	return player.FramesIn(wait + time.Second/(2*player.Rate))
}

func (f *Feed) silence(kind Kind, t track, dst []int16, frames int64) Span {
	clear(dst[:int(frames)*f.channels])
	f.total += frames
	f.idle += frames
	if kind == Starved {
		f.starved += frames
	}
	return Span{Kind: kind, Frames: int(frames), Track: t.name, Serial: t.serial}
}

func (f *Feed) content(t track, dst []int16, frames int64) Span {
	size := int64(len(f.ring) / f.channels)
	from := int(f.taken%size) * f.channels
	samples := int(frames) * f.channels
	if f.taken > 0 {
		f.paused += f.idle
	}
	f.idle = 0
	n := copy(dst[:samples], f.ring[from:])
	copy(dst[n:samples], f.ring)
	if k := len(f.runs); k > 0 && f.runs[k-1].total+f.runs[k-1].frames == f.total {
		f.runs[k-1].frames += frames
	} else {
		f.runs = append(f.runs, run{total: f.total, content: f.taken, frames: frames})
	}
	f.taken += frames
	f.total += frames
	return Span{Kind: Content, Frames: int(frames), Track: t.name, Serial: t.serial}
}

// Pull fills all of dst, as many calls of Next would.
func (f *Feed) Pull(dst []int16, sounds time.Time) {
	for len(dst) >= f.channels {
		s := f.Next(dst, sounds)
		dst = dst[s.Frames*f.channels:]
		sounds = sounds.Add(player.Duration(int64(s.Frames)))
	}
}

// Total is how many frames were put out, silence included.
func (f *Feed) Total() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total
}

// Starved is how many frames of silence were put out inside tracks.
func (f *Feed) Starved() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starved
}

// Paused is how many frames of silence were put out between content and content that no
// track's instant asked for: inside tracks, and between those that follow one another.
func (f *Feed) Paused() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.paused
}

// Account is what Consumed tells of a feed's content.
type Account struct {
	Content int64 // frames consumed; never decreases
	Pending int64 // frames accepted and neither consumed nor dropped
	Since   int64 // frames of silence consumed after the last of Content
}

// Consumed is told how many of the frames put out, silence included, the card has
// consumed, and tells how much content is among them.
func (f *Feed) Consumed(total int64) Account {
	f.mu.Lock()
	defer f.mu.Unlock()
	total = min(total, f.total)
	for len(f.runs) > 0 {
		r := &f.runs[0]
		if total <= r.total {
			break
		}
		heard := min(total-r.total, r.frames)
		if r.content+heard >= f.consumed {
			f.consumed, f.last = r.content+heard, r.total+heard
		}
		if heard < r.frames || r.total+r.frames == f.total {
			break // it goes on, or may still grow
		}
		f.runs = append(f.runs[:0], f.runs[1:]...)
	}
	return Account{Content: f.consumed, Pending: f.written - f.consumed, Since: max(total-f.last, 0)}
}

// Reset forgets all tracks, and all frames that are not known to be consumed.
func (f *Feed) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tracks, f.runs = f.tracks[:0], f.runs[:0]
	f.taken, f.written = f.consumed, f.consumed
}

// Idle says that no track is queued or open.
func (f *Feed) Idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.tracks {
		if t.end < 0 || t.end > f.taken {
			return false
		}
	}
	return true
}
