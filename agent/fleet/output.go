package fleet

import (
	"fmt"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
)

// output is a pretended loudspeaker or board: it takes as long as a real one and
// notes what it did, but decodes and draws nothing.
type output struct {
	device  protocol.DeviceID
	medium  protocol.Medium
	sounds  playout.Sounds
	journal *Journal
	events  chan playout.Event
	off     chan struct{} // no power, or closed
	wg      sync.WaitGroup

	mu   sync.Mutex
	dead bool
	jobs map[string]chan struct{} // closed by Cut
}

func newOutput(device protocol.DeviceID, m protocol.Medium, sounds playout.Sounds, j *Journal) *output {
	return &output{
		device: device, medium: m, sounds: sounds, journal: j,
		events: make(chan playout.Event, 16), off: make(chan struct{}), jobs: map[string]chan struct{}{},
	}
}

// Events implements playout.Output.
func (o *output) Events() <-chan playout.Event { return o.events }

// Begin implements playout.Output.
func (o *output) Begin(j playout.Job) error {
	length, end, err := o.length(j)
	if err != nil {
		return fmt.Errorf("begin %s: %w", j.ID, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead {
		return fmt.Errorf("begin %s: %w", j.ID, player.ErrClosed)
	}
	cut := make(chan struct{})
	o.jobs[j.ID] = cut
	o.wg.Go(func() { o.play(j, length, end, cut) })
	return nil
}

// length is how long a job takes, and what its last event says if it is not cut.
func (o *output) length(j playout.Job) (time.Duration, playout.Event, error) {
	end := playout.Event{Kind: playout.Ended, Job: j.ID, Proof: protocol.ProofShown}
	if o.medium == protocol.MediumBoard {
		return j.Length - j.Position, end, nil
	}
	end.Proof = protocol.ProofConsumed
	sound, emergency := j.Airing.Sound, j.Airing.Class == protocol.ClassEmergency
	if emergency {
		end.Voice = protocol.VoiceSiren
		if j.Bulletin.Sound == nil || sound == nil || !o.sounds.Has(sound.Digest) {
			return j.Length, end, nil
		}
		end.Voice = protocol.VoiceDelivered
		return player.Duration(int64(j.Bulletin.Sound.Frames)), end, nil
	}
	if j.Bulletin.Sound == nil || sound == nil {
		return 0, end, protocol.ErrInvalid
	}
	f, err := o.sounds.OpenSound(sound.Digest)
	if err != nil {
		return 0, end, err
	}
	return player.Duration(int64(j.Bulletin.Sound.Frames)) - j.Position, end, f.Close()
}

// Cut implements playout.Output.
func (o *output) Cut(job string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cut, ok := o.jobs[job]; ok {
		delete(o.jobs, job)
		close(cut)
	}
}

// play is one job from its beginning to its last word.
func (o *output) play(j playout.Job, length time.Duration, end playout.Event, cut <-chan struct{}) {
	note := Note{Key: Key{Device: o.device, Medium: o.medium.String(), Airing: j.Airing.ID, Start: j.Key.Start.UnixMilli()}}
	if !j.Soon && !o.wait(time.Until(j.Begin), cut) {
		o.last(j.ID, playout.Event{Kind: playout.Ended, Job: j.ID, At: time.Now(), Err: player.ErrStopped})
		return
	}
	began := time.Now()
	note.At = began
	if !o.note(note) {
		return
	}
	o.tell(playout.Event{Kind: playout.Begun, Job: j.ID, At: began})
	end.Whole = o.wait(length, cut)
	end.At = time.Now()
	done := min(length, end.At.Sub(began))
	if end.Whole {
		done = length
	} else {
		end.Err = player.ErrStopped
	}
	if o.medium == protocol.MediumSound {
		end.Frames = uint64(max(0, player.FramesIn(done)))
	}
	note.Ended, note.At, note.Frames, note.Whole = true, end.At, end.Frames, end.Whole
	if o.note(note) {
		o.last(j.ID, end)
	}
}

// wait waits, and says whether nothing has cut it short.
func (o *output) wait(d time.Duration, cut <-chan struct{}) bool {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-cut:
	case <-o.off:
	}
	return false
}

// note writes the truth down, unless there was no power to do anything with.
func (o *output) note(n Note) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead {
		return false
	}
	o.journal.add(n)
	return true
}

func (o *output) last(job string, e playout.Event) {
	o.mu.Lock()
	delete(o.jobs, job)
	o.mu.Unlock()
	o.tell(e)
}

func (o *output) tell(e playout.Event) {
	select {
	case o.events <- e:
	case <-o.off:
	}
}

// cutPower ends everything as it stands: what sounds has no end in the journal.
func (o *output) cutPower() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.dead {
		o.dead = true
		close(o.off)
	}
}

// Close implements agent.Output.
func (o *output) Close() error {
	o.cutPower()
	o.wg.Wait()
	return nil
}
